namespace Granary.Tests.Hosting;

/// <summary>Catches in workflow code without leaving the run's scheduler, which the test framework's own catching would.</summary>
internal static class Caught
{
    public static async Task<TException> OfAsync<TException>(Func<Task> verb)
        where TException : Exception
    {
        try
        {
            await verb();
        }
        catch (TException e)
        {
            return e;
        }

        throw new InvalidOperationException($"No {typeof(TException).Name} was thrown.");
    }

    /// <summary>The code of Granary's error.</summary>
    public static async Task<string> CodeOfAsync(Func<Task> verb) => (await OfAsync<GranaryException>(verb)).Code;
}
