using System.Globalization;
using System.Reflection;
using DbUp.Engine;
using DbUp.Engine.Output;
using Microsoft.Extensions.Logging;

namespace Granary.Journal;

/// <summary>The schema's scripts, as they lie in this assembly. They only ever add, so an older build's data stays readable.</summary>
internal static class SchemaScripts
{
    /// <summary>A database's scripts in the order in which they apply.</summary>
    /// <param name="folder">The folder under <c>Journal/Schema</c>.</param>
    public static List<SqlScript> Of(string folder)
    {
        var assembly = Assembly.GetExecutingAssembly();
        var scripts = new List<SqlScript>();
        var prefix = $".Journal.Schema.{folder}.";
        foreach (var resource in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            var at = resource.IndexOf(prefix, StringComparison.Ordinal);
            if (at < 0)
                continue;
            using var stream = assembly.GetManifestResourceStream(resource)!;
            using var text = new StreamReader(stream);
            scripts.Add(new SqlScript(resource[(at + prefix.Length)..], text.ReadToEnd()));
        }

        return scripts;
    }
}

/// <summary>What DbUp tells goes to the application's log, its small talk at Debug.</summary>
internal sealed partial class UpgradeLog(ILogger logger) : IUpgradeLog
{
    private readonly ILogger _logger = logger;

    public void LogTrace(string format, params object[] args) => LogUpgrade(LogLevel.Trace, Text(format, args), null);

    public void LogDebug(string format, params object[] args) => LogUpgrade(LogLevel.Debug, Text(format, args), null);

    public void LogInformation(string format, params object[] args) => LogUpgrade(LogLevel.Debug, Text(format, args), null);

    public void LogWarning(string format, params object[] args) => LogUpgrade(LogLevel.Warning, Text(format, args), null);

    public void LogError(string format, params object[] args) => LogUpgrade(LogLevel.Error, Text(format, args), null);

    public void LogError(Exception ex, string format, params object[] args) => LogUpgrade(LogLevel.Error, Text(format, args), ex);

    private static string Text(string format, object[] args) => args.Length == 0 ? format : string.Format(CultureInfo.InvariantCulture, format, args);

    [LoggerMessage(EventId = 3102, Message = "Schema: {Text}")]
    private partial void LogUpgrade(LogLevel level, string text, Exception? error);
}
