using System.Reflection;
using Granary.Journal;
using Microsoft.Extensions.DependencyInjection;

namespace Granary.Tests.Hosting;

/// <summary>An application's store with something of a test's before it.</summary>
internal class TestStore : DispatchProxy
{
    private IJournalStore _inner = null!;
    private Func<string, Func<object?>, object?> _before = null!;

    /// <param name="services">Where the store is registered.</param>
    /// <param name="before">Is given the name of each call and what makes it; returns what the caller gets.</param>
    public static void Put(IServiceCollection services, Func<string, Func<object?>, object?> before)
    {
        var own = services.Single(s => s.ServiceType == typeof(IJournalStore));
        services.Remove(own);
        services.AddSingleton(s =>
        {
            var store = Create<IJournalStore, TestStore>();
            ((TestStore)(object)store)._inner = (IJournalStore)own.ImplementationFactory!(s);
            ((TestStore)(object)store)._before = before;
            return store;
        });
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        _before(targetMethod!.Name, () => targetMethod.Invoke(_inner, BindingFlags.DoNotWrapExceptions, null, args, null));
}
