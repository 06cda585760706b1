using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Granary.Activities;

/// <summary>An attempt's services: a scope that is made when the body first asks for something, and goes with the attempt.</summary>
internal sealed partial class AttemptServices(IServiceProvider root, ILogger logger) : IServiceProvider, IKeyedServiceProvider, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private AsyncServiceScope? _scope;

    public object? GetService(Type serviceType) => serviceType == typeof(IServiceProvider) ? this : Scope.GetService(serviceType);

    public object? GetKeyedService(Type serviceType, object? serviceKey) => ((IKeyedServiceProvider)Scope).GetKeyedService(serviceType, serviceKey);

    public object GetRequiredKeyedService(Type serviceType, object? serviceKey) => ((IKeyedServiceProvider)Scope).GetRequiredKeyedService(serviceType, serviceKey);

    /// <summary>Never throws: the body has done its work, and what a service fails at afterwards must not make it run again.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_scope is { } scope)
                await scope.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogFailed(e);
        }
    }

    [LoggerMessage(1201, LogLevel.Warning, "A service of a step's attempt failed to dispose; the step's outcome stands.")]
    private partial void LogFailed(Exception exception);

    private IServiceProvider Scope
    {
        get
        {
            lock (_gate)
                return (_scope ??= root.CreateAsyncScope()).ServiceProvider;
        }
    }
}
