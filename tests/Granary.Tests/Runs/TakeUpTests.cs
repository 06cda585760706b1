using System.Reflection;
using Granary.Journal;
using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Granary.Tests.Runs;

/// <summary>Runs that a process must take up while its store answers only now and then.</summary>
public sealed class TakeUpTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task a_run_is_taken_up_though_searching_and_reading_failed_at_first()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        void App(IGranaryBuilder g) => g.AddWorkflow<int, int>("w", async (ctx, n) =>
        {
            await ctx.StepAsync("one", _ => Task.FromResult(1));
            await ctx.StepAsync("gate", gate.PassAsync);
            return n;
        });
        await using (var app = await data.StartAsync(App))
        {
            await app.Client.Workflow<int, int>("w").StartAsync(7, new() { Id = "r" }, Stop);
            await gate.Reached.WaitAsync(Stop);
        }

        gate.Open();
        var failures = new Dictionary<string, int> { ["FindOrphansAsync"] = 1, ["ReadAsync"] = 2 };
        await using (var app = await data.StartAsync(g =>
        {
            App(g);
            FailingStore.Put(g.Services, failures);
        }))
        {
            Assert.Equal(7, await app.Client.Run<int>("r").ResultAsync(Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop));
        }

        Assert.All(failures.Values, left => Assert.Equal(0, left));
        Assert.InRange(data.Count("r", "Claimed"), 3, 4);
        Assert.Equal(1, data.Count("r", "StepSucceeded") - 1);
        Invariants.AssertHold(data.Path);
    }

    /// <summary>A store some of whose reads fail so and so many times.</summary>
    private class FailingStore : DispatchProxy
    {
        private IJournalStore _inner = null!;
        private Dictionary<string, int> _failures = null!;

        public static void Put(IServiceCollection services, Dictionary<string, int> failures)
        {
            var own = services.Single(s => s.ServiceType == typeof(IJournalStore));
            services.Remove(own);
            services.AddSingleton(s =>
            {
                var store = Create<IJournalStore, FailingStore>();
                ((FailingStore)(object)store)._inner = (IJournalStore)own.ImplementationFactory!(s);
                ((FailingStore)(object)store)._failures = failures;
                return store;
            });
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            lock (_failures)
            {
                if (_failures.TryGetValue(targetMethod!.Name, out var left) && left > 0)
                {
                    _failures[targetMethod.Name] = left - 1;
                    throw new StoreUnavailableException("away", new IOException("away"));
                }
            }

            return targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null);
        }
    }
}
