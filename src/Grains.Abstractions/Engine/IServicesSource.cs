namespace Granary.Engine;

/// <summary>A client that knows the services of its process, so that what is registered there can be checked before a run is started.</summary>
internal interface IServicesSource
{
    IServiceProvider Services { get; }
}
