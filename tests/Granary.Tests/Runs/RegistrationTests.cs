using Granary.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace Granary.Tests.Runs;

public sealed class RegistrationTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Scenario", "B-04")]
    public async Task one_name_for_two_workflows_fails_the_start_and_opens_nothing()
    {
        using var data = new TestDatabase();

        var e = await Assert.ThrowsAsync<GranaryUsageException>(() => data.StartAsync(g =>
        {
            g.AddWorkflow<Order>();
            g.AddWorkflow<int, int>("order", (_, n) => Task.FromResult(n));
        }));

        Assert.Equal("GRN1801", e.Code);
        Assert.Contains("'order'", e.Message);
        Assert.Contains(nameof(Order), e.Message);
        Assert.False(File.Exists(data.Path), "the store was opened");
    }

    [Fact]
    public void a_class_that_cannot_be_made_is_no_workflow()
    {
        var builder = new Builder();

        var e = Assert.Throws<GranaryUsageException>(() => builder.AddWorkflow<OrderContract>());

        Assert.Equal("GRN1802", e.Code);
        Assert.Contains(nameof(OrderContract), e.Message);
        Assert.Throws<GranaryUsageException>(() => builder.AddWorkflow<int, int>("", (_, n) => Task.FromResult(n)));
        Assert.Empty(builder.Services);
    }

    [Fact]
    public async Task a_class_is_started_by_its_contract_by_itself_or_by_its_name()
    {
        await using var app = await TestApp.StartAsync(g =>
        {
            g.AddWorkflow<Order>();
            g.AddWorkflow<Order>();
            g.AddWorkflow<Unnamed>();
        });

        Assert.Equal(2, await app.Client.Workflow<OrderContract>().RunAsync(1, cancellationToken: Stop));
        Assert.Equal(2, await app.Client.Workflow<Order>().RunAsync(1, cancellationToken: Stop));
        Assert.Equal(2, await (await app.Client.Workflow("order").StartAsync(1, cancellationToken: Stop)).ResultAsync<int>(Stop));
        Assert.Equal("Unnamed", await app.Client.Workflow<Unnamed>().RunAsync(None.Value, cancellationToken: Stop));
        Assert.Equal("Unnamed", await (await app.Client.Workflow("Unnamed").StartAsync(cancellationToken: Stop)).ResultAsync<string>(Stop));
    }

    [Fact]
    public async Task new_runs_take_the_newest_version_of_a_class_and_open_ones_keep_theirs()
    {
        using var data = new TestDatabase();
        var gate = new Gate();
        void App(IGranaryBuilder g, bool withNewest)
        {
            g.Services.AddSingleton(gate);
            g.AddWorkflow<Invoice>();
            if (withNewest)
                g.AddWorkflow<Invoice2>();
        }

        await using (var app = await data.StartAsync(g => App(g, withNewest: false)))
        {
            await app.Client.Workflow<Invoice>().StartAsync(1, new() { Id = "open" }, Stop);
            await gate.Reached;
        }

        gate.Open();
        await using (var app = await data.StartAsync(g => App(g, withNewest: true)))
        {
            Assert.Equal("first", await app.Client.Run<string>("open").ResultAsync(Stop));
            Assert.Equal("second", await app.Client.Workflow<Invoice>().RunAsync(1, new() { Id = "new" }, Stop));
            Assert.Equal(1, (await app.Client.Run("open").InfoAsync(Stop)).WorkflowVersion);
            Assert.Equal(2, (await app.Client.Run("new").InfoAsync(Stop)).WorkflowVersion);
        }
    }

    [Fact]
    public async Task options_out_of_range_fail_the_start_and_are_all_listed()
    {
        using var data = new TestDatabase();

        var e = await Assert.ThrowsAsync<OptionsValidationException>(() => data.StartAsync(g => g.Configure(o =>
        {
            o.Json = null!;
            o.Retry = new(0);
            o.ConnectionName = " ";
            o.MaxRecoveries = 0;
            o.Payloads.MaxBytes = 1;
            o.Payloads.CompressAboveBytes = -1;
            o.Journal.MaxQueuedBytes = 0;
        })));

        Assert.StartsWith("GRN1902: ", e.Message);
        foreach (var key in new[] { "Json", "Retry", "0 attempts", "ConnectionName", "MaxRecoveries", "Payloads.MaxBytes", "Payloads.CompressAboveBytes", "Journal.MaxQueuedBytes" })
            Assert.Contains(key, e.Message);
        Assert.False(File.Exists(data.Path), "the store was opened");
    }

    [Fact]
    public async Task options_of_a_workflow_that_mean_nothing_are_refused_where_they_are_given()
    {
        using var data = new TestDatabase();

        foreach (var wrong in (Action<WorkflowOptions>[])[o => o.MaxRecoveries = 0, o => o.Retry = new(0), o => o.Retry = new() { BackoffFactor = double.NaN }])
        {
            var e = await Assert.ThrowsAsync<GranaryUsageException>(() => data.StartAsync(g => g.AddWorkflow<int, int>("w", (_, i) => Task.FromResult(i), wrong)));
            Assert.Equal("GRN1902", e.Code);
            Assert.Contains("'w'", e.Message);
        }
    }

    [Fact]
    public async Task an_instance_is_made_for_each_activation_in_a_scope_of_its_own()
    {
        await using var app = await TestApp.StartAsync(g =>
        {
            g.Services.AddScoped<Scoped>();
            g.AddWorkflow<UsesScope>();
        });

        var one = await app.Client.Workflow<UsesScope>().RunAsync(1, cancellationToken: Stop);
        var two = await app.Client.Workflow<UsesScope>().RunAsync(2, cancellationToken: Stop);

        // The class and the context share the activation's scope; each body has its own.
        Assert.Equal(one.OfClass, one.OfContext);
        Assert.Equal(6, new[] { one.OfClass, one.OfFirstBody, one.OfSecondBody, two.OfClass, two.OfFirstBody, two.OfSecondBody }.Distinct().Count());
    }

    [Fact]
    public async Task a_constructor_that_throws_fails_the_run()
    {
        await using var app = await TestApp.StartAsync(g => g.AddWorkflow<NeedsMissing>());

        var e = await Assert.ThrowsAsync<RunFailedException>(() => app.Client.Workflow<NeedsMissing>().RunAsync(1, cancellationToken: Stop));

        Assert.Contains(nameof(Scoped), e.Error.Message);
    }

    [Workflow("order")]
    internal abstract class OrderContract : Workflow<int, int>;

    internal sealed class Order : OrderContract
    {
        public override Task<int> RunAsync(WorkflowContext ctx, int input) => Task.FromResult(input + 1);
    }

    internal sealed class Unnamed : Workflow<None, string>
    {
        public override Task<string> RunAsync(WorkflowContext ctx, None input) => Task.FromResult(ctx.Info.Workflow);
    }

    [Workflow("invoice")]
    internal class Invoice(Gate gate) : Workflow<int, string>
    {
        public override async Task<string> RunAsync(WorkflowContext ctx, int input)
        {
            await ctx.StepAsync("gate", gate.PassAsync);
            return "first";
        }
    }

    [Workflow("invoice", Version = 2)]
    internal sealed class Invoice2 : Workflow<int, string>
    {
        public override Task<string> RunAsync(WorkflowContext ctx, int input) => Task.FromResult("second");
    }

    internal sealed class Scoped
    {
        public Guid Id { get; } = Guid.NewGuid();
    }

    internal sealed record Scopes(Guid OfClass, Guid OfContext, Guid OfFirstBody, Guid OfSecondBody);

    internal sealed class UsesScope(Scoped scoped) : Workflow<int, Scopes>
    {
        public override async Task<Scopes> RunAsync(WorkflowContext ctx, int input) => new(
            scoped.Id,
            ctx.Services.GetRequiredService<Scoped>().Id,
            await ctx.StepAsync("first", step => Task.FromResult(step.Services.GetRequiredService<Scoped>().Id)),
            await ctx.StepAsync("second", step => Task.FromResult(step.Services.GetRequiredService<Scoped>().Id)));
    }

    internal sealed class NeedsMissing(Scoped scoped) : Workflow<int, Guid>
    {
        public override Task<Guid> RunAsync(WorkflowContext ctx, int input) => Task.FromResult(scoped.Id);
    }

    private sealed class Builder : IGranaryBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}
