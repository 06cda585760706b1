using System.Text;
using Granary.Activities;
using Granary.Engine;
using Granary.Runs;
using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Granary.Tests.Activities;

/// <summary>What a silo does with the bodies that others send it.</summary>
public sealed class ActivityWorksTests(LiveApp app) : IClassFixture<LiveApp>
{
    private static readonly TimeSpan _wait = TimeSpan.FromSeconds(20);

    private readonly Catalog _catalog = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task the_same_order_twice_is_one_body_and_every_beat_gets_its_outcome()
    {
        var works = Works();
        Assert.True(works.Start(Order(epoch: 1)));
        Assert.True(works.Start(Order(epoch: 1)));
        Assert.Null(await works.BeatAsync(Place(1), TimeSpan.FromMilliseconds(20)));

        _catalog.Finish.SetResult("\"done\"");
        Assert.Equal("\"done\"", Encoding.UTF8.GetString((await works.BeatAsync(Place(1), _wait))!.Output!));
        Assert.Equal("\"done\"", Encoding.UTF8.GetString((await works.BeatAsync(Place(1), _wait))!.Output!));
        var body = Assert.Single(_catalog.Bodies);
        Assert.Equal(("42/a1", 1, 0, 1), (body.IdempotencyKey, body.MaxAttempts, body.Attempt, body.Epoch));

        works.Forget(Place(1));
        Assert.True((await works.BeatAsync(Place(1), _wait))!.IsUnknown);
    }

    [Fact]
    public async Task a_later_claim_stops_the_body_of_an_earlier_one_and_an_earlier_one_is_refused()
    {
        var works = Works();
        Assert.True(works.Start(Order(epoch: 1)));
        await _catalog.Begun(1);
        Assert.True(works.Start(Order(epoch: 2)));

        await Cancelled(_catalog.Bodies[0]);
        Assert.False(works.Start(Order(epoch: 1)));
        Assert.True((await works.BeatAsync(Place(1), _wait))!.IsUnknown);
        Assert.Null(await works.BeatAsync(Place(2), TimeSpan.FromMilliseconds(20)));

        // Also a beat alone tells that the run was taken over.
        Assert.True((await works.BeatAsync(Place(3), _wait))!.IsUnknown);
        await _catalog.Begun(2);
        await Cancelled(_catalog.Bodies[1]);
    }

    [Fact]
    public async Task a_body_is_cancelled_when_it_is_called_off_and_when_its_limit_passes()
    {
        var works = Works();
        works.Start(Order(epoch: 1));
        await _catalog.Begun(1);
        works.Forget(Place(1));
        await Cancelled(_catalog.Bodies[0]);

        works.Start(Order(epoch: 2) with { Limit = TimeSpan.FromMilliseconds(50) });
        await _catalog.Begun(2);
        await Cancelled(_catalog.Bodies[1]);
    }

    [Fact]
    public async Task a_failure_travels_with_what_a_retry_must_know_of_it()
    {
        var works = Works();
        works.Start(Order(epoch: 1));
        _catalog.Finish.SetException(new TerminalException("no") { Code = "E7" });
        var report = (await works.BeatAsync(Place(1), _wait))!;
        Assert.True(report.IsTerminal);
        var error = RunHistory.ReadError(report.Error!);
        Assert.Equal(("no", "E7", true), (error.Message, error.Code, error.Is<TerminalException>()));

        works.Start(Order(epoch: 2) with { Activity = "unknown" });
        Assert.Equal("GRN1306", RunHistory.ReadError((await works.BeatAsync(Place(2), _wait))!.Error!).Code);
    }

    private static async Task Cancelled(StepContext body)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (body.CancellationToken.Register(cancelled.SetResult))
            await cancelled.Task.WaitAsync(_wait, Stop);
    }

    private ActivityWorks Works() => new(app.App.Services.GetRequiredService<RunServices>(), [_catalog], NullLogger<ActivityWorks>.Instance);

    private static ActivityPlace Place(int epoch) => new(42, "a1", epoch, 0);

    private static ActivityOrder Order(int epoch) => new()
    {
        Place = Place(epoch),
        Activity = "known",
        Input = [],
        RunId = "r",
        Name = "tool",
        MaxAttempts = 1,
        IdempotencyKey = "42/a1",
    };

    private sealed class Catalog : IActivityCatalog
    {
        private readonly List<StepContext> _bodies = [];

        public TaskCompletionSource<string> Finish { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<StepContext> Bodies
        {
            get
            {
                lock (_bodies)
                    return [.. _bodies];
            }
        }

        public NamedActivity? Find(string name) => name != "known" ? null : new(async (step, _) =>
        {
            lock (_bodies)
                _bodies.Add(step);
            return Encoding.UTF8.GetBytes(await Finish.Task.WaitAsync(step.CancellationToken));
        });

        public async Task Begun(int count)
        {
            while (Bodies.Count < count)
                await Task.Delay(5, Stop);
        }
    }
}
