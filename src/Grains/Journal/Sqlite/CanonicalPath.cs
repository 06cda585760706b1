namespace Granary.Journal.Sqlite;

/// <summary>One name for one file: two processes that reach it by a link and by a relative path must meet at one lock.</summary>
internal static class CanonicalPath
{
    private const int MaxLinks = 40;

    /// <summary>The absolute path without links. The file needn't exist.</summary>
    /// <exception cref="IOException">The links go in a circle.</exception>
    public static string Of(string path)
    {
        var absolute = Path.Combine(Environment.CurrentDirectory, path);
        var current = Path.GetPathRoot(absolute)!;
        var rest = new Stack<string>();
        Push(rest, absolute[current.Length..]);
        for (var links = 0; rest.TryPop(out var part);)
        {
            // ".." is taken after links, as the system does; Path.GetFullPath takes it before.
            if (part == "..")
            {
                current = Path.GetDirectoryName(current) ?? current;
                continue;
            }

            var next = Path.Combine(current, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                current = next;
                continue;
            }

            if (++links > MaxLinks)
                throw new IOException($"'{path}' goes through more than {MaxLinks} links.");
            if (Path.IsPathRooted(target))
            {
                current = Path.GetPathRoot(target)!;
                target = target[current.Length..];
            }

            Push(rest, target);
        }

        return current;
    }

    private static void Push(Stack<string> parts, string path)
    {
        var split = path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
        for (var i = split.Length - 1; i >= 0; i--)
        {
            if (split[i] != ".")
                parts.Push(split[i]);
        }
    }
}
