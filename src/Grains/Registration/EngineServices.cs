using System.Reflection;
using Granary.Activities;
using Granary.Engine;
using Granary.Journal;
using Granary.Keepers;
using Granary.Runs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.Runtime;

namespace Granary;

/// <summary>The engine's services; the store comes from the host.</summary>
internal static class EngineServices
{
    public static void Add(IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(s => new StoreClock(s.GetRequiredService<TimeProvider>()));
        services.AddKeyedSingleton<TimeProvider>(StoreClock.Key, (s, _) => s.GetRequiredService<StoreClock>());
        services.AddSingleton(s => new SiloIncarnation(s.GetRequiredService<ILocalSiloDetails>().SiloAddress.ToParsableString()));
        services.AddSingleton(s => new ApplicationVersion(s.GetRequiredService<IOptions<GranaryOptions>>().Value.ApplicationVersion ?? BuildVersion()));
        services.AddSingleton<PayloadCodec>();
        services.AddSingleton<RunKeys>();
        services.AddSingleton<StoreHealth>();
        services.AddSingleton<IStoreHealth>(s => s.GetRequiredService<StoreHealth>());
        services.AddSingleton<WorkflowRegistry>();
        services.AddSingleton<RunRegistry>();
        services.AddSingleton<SiloRoles>();
        services.AddSingleton<ActivityServiceClient>();
        services.AddSingleton<RemoteBodies>();
        services.AddSingleton<ActivityWorks>();
        services.AddGrainService<ActivityService>();
        services.AddSingleton<JournalWriter>();
        services.AddSingleton<IWakeUps, WakeUps>();
        services.AddSingleton<PauseGate>();
        services.AddSingleton<IBodyGate>(s => s.GetRequiredService<PauseGate>());
        services.AddSingleton<RunServices>();
        services.AddSingleton(s => s.GetRequiredService<PayloadCodec>().Values);
    }

    private static string BuildVersion()
    {
        var entry = Assembly.GetEntryAssembly();
        return entry?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? entry?.GetName().Version?.ToString() ?? "0";
    }
}

/// <summary>What takes runs up; registered after the silo, so that it starts after it.</summary>
internal static class RecoveryServices
{
    public static void Add(IServiceCollection services)
    {
        services.AddHostedService<StoreClockWatch>();
        services.AddHostedService(s => s.GetRequiredService<PauseGate>());
        services.AddSingleton<RunRecovery>();
        services.AddHostedService(s => s.GetRequiredService<RunRecovery>());
        services.AddHostedService<KeeperStartup>();
        services.AddHostedService<OwnedRunsWatch>();
    }
}
