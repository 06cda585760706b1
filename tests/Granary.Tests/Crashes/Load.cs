using Xunit;

namespace Granary.Tests.Crashes;

/// <summary>Tests that start many processes or watch the clock, so nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class CrashCollection
{
    public const string Name = "Crashes";
}

/// <summary>How much the crash suite does, and where it says so.</summary>
internal static class Load
{
    private const int Processes = 2;

    /// <summary>Whether the slow proofs were asked for.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("GRANARY_TEST_MODE") == "long";

    public static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, Task> body) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = Processes, CancellationToken = TestContext.Current.CancellationToken },
            async (item, _) => await body(item));

    /// <summary>A line for the test's result and for whoever watches.</summary>
    public static void Report(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        Console.Out.WriteLine($"   {line}");
    }
}
