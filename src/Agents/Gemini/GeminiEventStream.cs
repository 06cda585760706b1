using System.Text;

namespace Granary;

/// <summary>Splits a body of server-sent events into the texts that it carries.</summary>
/// <param name="reader">The body.</param>
/// <remarks>
/// The endpoint also sends an error as bare JSON under the same content type. Such text is returned like an event: the object tells
/// which it is.
/// </remarks>
internal sealed class GeminiEventStream(TextReader reader)
{
    private readonly StringBuilder _data = new();
    private string? _bare;

    /// <summary>The next event's data, or null at the end of the body.</summary>
    public async Task<string?> ReadAsync(CancellationToken cancellationToken)
    {
        while (_bare is null && await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.StartsWith("data:", StringComparison.Ordinal))
                _data.Append(line.AsSpan(5).Trim()).Append('\n');
            else if (line.Length == 0 && _data.Length > 0)
                return Take();
            else if (line.AsSpan().TrimStart() is ['{' or '[', ..])
                _bare = line + "\n" + await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        }

        if (_data.Length > 0)
            return Take();
        var bare = _bare;
        _bare = null;
        return bare;
    }

    private string Take()
    {
        var data = _data.ToString();
        _data.Clear();
        return data;
    }
}
