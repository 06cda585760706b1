using System.Text.Json;

namespace Granary;

/// <summary>A failure as it is recorded: no exception object, because its class may be gone when it is read.</summary>
/// <param name="Type">The exception's full type name.</param>
/// <param name="Message">Its message.</param>
/// <param name="Code">A stable code, where it has one.</param>
/// <param name="Details">What a <see cref="TerminalException"/> carried.</param>
/// <param name="Step">The step that failed.</param>
/// <param name="BaseTypes">The full names of the exception's base types, nearest first, without <see cref="Exception"/> and <see cref="object"/>.</param>
public sealed record RunError(
    string Type, string Message, string? Code = null, JsonElement? Details = null, string? Step = null, IReadOnlyList<string>? BaseTypes = null)
{
    /// <summary>Whether the failure was of that type or of a type derived from it.</summary>
    /// <typeparam name="TException">The exception type.</typeparam>
    public bool Is<TException>()
        where TException : Exception
    {
        var name = typeof(TException).FullName;
        return typeof(TException) == typeof(Exception) || Type == name || (BaseTypes?.Contains(name) ?? false);
    }
}
