using System.Globalization;

namespace Granary.Bench;

/// <summary>What workflows reached, in a file that outlives their process: lines of kind, detail and milliseconds.</summary>
internal sealed class Progress(string path)
{
    private readonly Lock _gate = new();
    private FileStream? _file;
    private long _size = -1;
    private List<string[]> _lines = [];

    public string Path { get; } = path;

    public void Reached(string kind, string detail)
    {
        var line = System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{kind} {detail} {Now:F3}\n"));
        lock (_gate)
        {
            _file ??= new FileStream(Path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            _file.Write(line);
        }
    }

    public int Count(string kind) => Read().Count(line => line[0] == kind);

    public int Distinct(string kind) => Read().Where(line => line[0] == kind).Select(line => line[1]).Distinct(StringComparer.Ordinal).Count();

    public double Time(string kind, string detail) => double.Parse(Read().First(line => line[0] == kind && line[1] == detail)[2], CultureInfo.InvariantCulture);

    public void Clear() => File.WriteAllText(Path, "");

    public async Task UntilAsync(Func<bool> condition)
    {
        for (var begun = Now; !condition(); await Task.Delay(1))
        {
            if (Now - begun > 240_000)
                throw new TimeoutException("No progress of the workflows within 240 s.");
        }
    }

    /// <summary>Milliseconds of one clock for all processes.</summary>
    public static double Now => TimeProvider.System.GetTimestamp() * 1e3 / TimeProvider.System.TimestampFrequency;

    private List<string[]> Read()
    {
        var size = new FileInfo(Path).Length;
        if (size != _size)
        {
            using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(file);
            _lines = [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).Where(line => line.Length == 3)];
            _size = size;
        }

        return _lines;
    }
}
