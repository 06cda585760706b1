using Orleans.Runtime;
using Orleans.Runtime.Services;

namespace Granary.Activities;

/// <summary>Addresses the activity service of a silo.</summary>
internal sealed class ActivityServiceClient(IServiceProvider services) : GrainServiceClient<IActivityService>(services)
{
    public IActivityService On(SiloAddress silo) => GetGrainService(silo);
}
