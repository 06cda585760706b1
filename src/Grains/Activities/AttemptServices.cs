using Microsoft.Extensions.DependencyInjection;

namespace Granary.Activities;

/// <summary>An attempt's services: a scope that is made when the body first asks for something, and goes with the attempt.</summary>
internal sealed class AttemptServices(IServiceProvider root) : IServiceProvider, IKeyedServiceProvider, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private AsyncServiceScope? _scope;

    public object? GetService(Type serviceType) => serviceType == typeof(IServiceProvider) ? this : Scope.GetService(serviceType);

    public object? GetKeyedService(Type serviceType, object? serviceKey) => ((IKeyedServiceProvider)Scope).GetKeyedService(serviceType, serviceKey);

    public object GetRequiredKeyedService(Type serviceType, object? serviceKey) => ((IKeyedServiceProvider)Scope).GetRequiredKeyedService(serviceType, serviceKey);

    public ValueTask DisposeAsync() => _scope is { } scope ? scope.DisposeAsync() : ValueTask.CompletedTask;

    private IServiceProvider Scope
    {
        get
        {
            lock (_gate)
                return (_scope ??= root.CreateAsyncScope()).ServiceProvider;
        }
    }
}
