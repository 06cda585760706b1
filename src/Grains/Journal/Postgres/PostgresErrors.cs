using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace Granary.Journal.Postgres;

/// <summary>What Postgres' errors mean: for one unit, for a batch, and for a start.</summary>
internal static class PostgresErrors
{
    /// <summary>Whether the batch met other rows than it expects: a key is taken, or a check divided by zero to say so.</summary>
    public static bool IsRefusal(PostgresException e) => e.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DivisionByZero;

    /// <summary>Whether the same batch may go through at once.</summary>
    public static bool IsWorthRepeating(PostgresException e) =>
        e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    /// <summary>Whether the data of one unit is at fault: the same data will be refused again.</summary>
    public static bool IsOfOneUnit(Exception e) => e switch
    {
        PostgresException p => p.SqlState.StartsWith("22", StringComparison.Ordinal) || p.SqlState.StartsWith("23", StringComparison.Ordinal)
            || p.SqlState.StartsWith("54", StringComparison.Ordinal),

        // Text that has no UTF-8 form, rows out of order, times that Postgres doesn't have.
        ArgumentException or InvalidCastException or OverflowException => true,
        _ => false,
    };

    /// <summary>Whether the connection is as good as before: somebody else's lock, or no room.</summary>
    public static bool LeavesConnectionSound(Exception e) => e is PostgresException
    {
        SqlState: PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure
            or PostgresErrorCodes.DiskFull or PostgresErrorCodes.OutOfMemory
    };

    public static StoreUnavailableException Unavailable(string where, Exception e) => new($"{where}: {Reason(e)}", e);

    public static StoreException AnotherDatabase(string where) => new("GRN3014",
        $"The {where} is not the one that this process has opened: another server answers there now.",
        "Restart this process once it is certain which server is the right one.");

    /// <summary>Why a database can't be opened.</summary>
    public static StoreException Opening(string where, Exception e) => e switch
    {
        StoreException store => store,
        PostgresException p => Refused(where, p),
        NpgsqlException n when Causes(n).Any(c => c is AuthenticationException) => new StoreException("GRN3011",
            $"The {where} can't be reached over TLS: {Causes(n).First(c => c is AuthenticationException).Message}",
            "Trust the server's certificate ('Root Certificate'), or set 'SSL Mode' in the connection string.", n),
        NpgsqlException n when n.Message.Contains("SSL", StringComparison.Ordinal) => new StoreException("GRN3011",
            $"The {where} refuses TLS: {n.Message}", "Turn TLS on at the server ('ssl = on'), or set 'SSL Mode' in the connection string.", n),
        NpgsqlException n when n.Message.Contains("password", StringComparison.OrdinalIgnoreCase) => new StoreException("GRN3010",
            $"The {where} doesn't let this user in: {n.Message}", "Check user and password in the connection string.", n),
        _ => new StoreException("GRN3006", $"The {where} can't be reached: {Reason(e)}", "Check host, port and network, and that the server runs.", e),
    };

    public static StoreException MissingRights(string where, string what, Exception? e = null) => new("GRN3003",
        $"The {where} can't be used by this user: {what}", "Grant what docs/postgres/least-privilege.sql lists.", e);

    private static StoreException Refused(string where, PostgresException e) => e.SqlState switch
    {
        "08P01" when e.MessageText.Contains("startup parameter", StringComparison.Ordinal) => new StoreException("GRN3012",
            $"The {where} is reached through a pooler that doesn't pass on a setting of the connection string: {e.MessageText}.",
            "Take that setting out of the connection string, or connect to the server itself.", e),
        PostgresErrorCodes.InvalidAuthorizationSpecification when e.MessageText.Contains("encryption", StringComparison.Ordinal) => new StoreException("GRN3011",
            $"The {where} refuses the connection: {e.MessageText}.", "Set 'SSL Mode' in the connection string to what the server's pg_hba.conf asks for.", e),
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new StoreException("GRN3010",
            $"The {where} doesn't let this user in: {e.MessageText}.", "Check user and password in the connection string.", e),
        PostgresErrorCodes.InvalidCatalogName => new StoreException("GRN3006", $"The {where} doesn't exist: {e.MessageText}.", "Make the database first.", e),
        PostgresErrorCodes.InsufficientPrivilege => MissingRights(where, e.MessageText + ".", e),
        PostgresErrorCodes.ReadOnlySqlTransaction => MissingRights(where, e.MessageText + ".", e),
        _ => new StoreException("GRN3006", $"The {where} can't be used: {Reason(e)}", "Check the server and its log.", e),
    };

    public static StoreException Pooled(string where) => new("GRN3012",
        $"The {where} is reached through a pooler that gives each transaction another connection (PgBouncer in transaction mode): "
        + "settings of a connection don't hold there.",
        "Connect to the server itself, or let the pooler pool sessions. Granary needs at most 10 connections a process.");

    private static IEnumerable<Exception> Causes(Exception e)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
            yield return cause;
    }

    private static string Reason(Exception e) => e switch
    {
        PostgresException { SqlState: ['4', '2', ..] } p =>
            $"{p.MessageText} ({p.SqlState}). Tables or rights aren't as this build needs them; it goes on when they are.",
        PostgresException p => $"{p.MessageText} ({p.SqlState}).",
        NpgsqlException { InnerException: SocketException or TimeoutException or IOException } n => $"{n.Message}: {n.InnerException!.Message}",
        _ => e.Message,
    };
}
