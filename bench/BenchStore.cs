namespace Granary.Bench;

/// <summary>A database of the bench's own, which goes with it.</summary>
internal abstract class BenchStore : IAsyncDisposable
{
    public static async Task<BenchStore> MakeAsync(Options options) =>
        options.Store == "postgres" ? await PostgresStore.MakeAsync(options.Connection) : new SqliteStore();

    /// <summary>Where it is, for a host in this process or another.</summary>
    public abstract StoreAddress Address { get; }

    /// <summary>What single commits are, in words.</summary>
    public string SingleCommits => "single commits of the own table";

    /// <summary>What batches are, in words.</summary>
    public string Batches => "batches of 100 rows in the own table";

    /// <summary>Rows per second into the product's own table, without the product, in commits of that many rows.</summary>
    public abstract Task<double> LimitAsync(int rows, int rowsPerCommit);

    /// <summary>Throws all data away; nobody may be using it.</summary>
    public abstract Task EmptyAsync();

    /// <summary>Asks for one number; <c>{runs}</c> stands for the table's name.</summary>
    public abstract Task<long> NumberAsync(string sql);

    /// <summary>How many bytes the product's tables and indexes take.</summary>
    public abstract Task<long> BytesAsync();

    /// <summary>Transactions that changed something, counted while time passes.</summary>
    public abstract Task<double> TransactionsPerSecondAsync(TimeSpan span);

    /// <summary>Waits until a count is 0.</summary>
    public async Task UntilNoneAsync(string sql)
    {
        for (var begun = Progress.Now; await NumberAsync(sql) > 0; await Task.Delay(50))
        {
            if (Progress.Now - begun > 1_800_000)
                throw new TimeoutException($"Not 0 within half an hour: {sql}");
        }
    }

    public abstract ValueTask DisposeAsync();
}

/// <summary>A database as a host is told of it.</summary>
/// <param name="DataPath">The SQLite file.</param>
/// <param name="Connection">Or the Postgres database.</param>
/// <param name="Schema">And its schema.</param>
internal sealed record StoreAddress(string? DataPath, string? Connection, string? Schema);
