using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Granary.Runs;

/// <summary>Silent while a run's code is given recorded outcomes, so that nothing is logged twice.</summary>
internal sealed class ReplayLogger(ILogger inner, Func<bool> isReplaying, RunId runId) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => !isReplaying() && inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        using (inner.BeginScope(new KeyValuePair<string, object>[] { new("RunId", runId.Value) }))
            inner.Log(logLevel, eventId, state, exception, formatter);
    }
}

/// <inheritdoc/>
internal sealed class ReplayLogger<T>(ILogger inner) : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        inner.Log(logLevel, eventId, state, exception, formatter);
}

/// <summary>
/// An activation's services: its scope, with loggers that are silent on replay. Reaches what is injected into the
/// workflow class; a service that logs by itself logs again on replay.
/// </summary>
internal sealed class RunScopeServices(IServiceProvider scope, ILoggerFactory loggers, Func<bool> isReplaying, RunId runId)
    : IServiceProvider, IKeyedServiceProvider, IServiceProviderIsService
{
    public object? GetService(Type serviceType)
    {
        if (serviceType == typeof(IServiceProvider))
            return this;
        if (serviceType == typeof(ILogger))
            return Silent("Granary.Workflow");
        if (serviceType.IsGenericType && serviceType.GetGenericTypeDefinition() == typeof(ILogger<>))
        {
            var category = serviceType.GetGenericArguments()[0];
            return Activator.CreateInstance(typeof(ReplayLogger<>).MakeGenericType(category), Silent(category.FullName ?? category.Name));
        }

        return scope.GetService(serviceType);
    }

    public object? GetKeyedService(Type serviceType, object? serviceKey) => ((IKeyedServiceProvider)scope).GetKeyedService(serviceType, serviceKey);

    public object GetRequiredKeyedService(Type serviceType, object? serviceKey) => ((IKeyedServiceProvider)scope).GetRequiredKeyedService(serviceType, serviceKey);

    public bool IsService(Type serviceType) =>
        (scope.GetService(typeof(IServiceProviderIsService)) as IServiceProviderIsService)?.IsService(serviceType) ?? false;

    private ReplayLogger Silent(string category) => new(loggers.CreateLogger(category), isReplaying, runId);
}
