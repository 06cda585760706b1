using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Granary.Tests.Crashes;

/// <summary>Another process's activation of the one run in a file, as its rows would be: it takes the run while the owner sleeps.</summary>
internal sealed class Usurper(string dataPath)
{
    /// <summary>No process of the tests has it.</summary>
    public const string Incarnation = "S127.0.0.1:1:1";

    public void Claims(string incarnation = Incarnation) => Execute($"""
        {Append("'Claimed'", epoch: "max(epoch) + 1", name: $"'{incarnation}'")};
        update granary_runs set status = 'running', waiting_on = null, wake_at = null, owner = '{incarnation}'
        """);

    /// <summary>Records the outcome of a step whose result is a number.</summary>
    public void Records(string key, string name, int result) => Execute($"""
        {Append("'StepSucceeded'", name: $"'{name}'")};
        update granary_journal set step_key = '{key}', step_kind = 'step', output_codec = 'json', output = cast('{result.ToString(CultureInfo.InvariantCulture)}' as blob)
        where seq = (select max(seq) from granary_journal)
        """);

    public void Ends() => Execute($"""
        {Append("'Succeeded'")};
        update granary_runs set status = 'succeeded', owner = null, completed_at = created_at
        """);

    /// <summary>As retention does: the row and the whole journal at once.</summary>
    public void Deletes() => Execute("delete from granary_journal; delete from granary_runs");

    private static string Append(string kind, string epoch = "max(epoch)", string name = "null") => $"""
        insert into granary_journal (run_key, seq, epoch, append_id, kind, name, attempt, committed_at)
        select run_key, max(seq) + 1, {epoch}, {RandomNumberGenerator.GetInt32(1, int.MaxValue)}, {kind}, {name}, 0, max(committed_at) + 1 from granary_journal group by run_key
        """;

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={dataPath};Pooling=False;Default Timeout=30");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"begin immediate; {sql}; commit";
        command.ExecuteNonQuery();
    }
}
