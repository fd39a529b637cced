using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Work;

public static class AgentServices
{
    /// <summary>Adds the agent as a hosted service. The host's start throws what <see cref="AgentService.StartAsync"/> throws.</summary>
    /// <param name="services">The host's.</param>
    /// <param name="options">How it works.</param>
    /// <param name="parts">Makes what it works with; closed by the agent.</param>
    internal static IServiceCollection AddAgent(this IServiceCollection services, AgentOptions options, Func<IServiceProvider, IAgentPartsSource> parts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Slots, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Slots, 64, nameof(options));
        services.AddSingleton(provider => new AgentService(options, parts(provider), TimeProvider.System, provider.GetRequiredService<ILogger<AgentService>>()));
        services.AddHostedService(provider => provider.GetRequiredService<AgentService>());
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Grace);
        return services;
    }
}
