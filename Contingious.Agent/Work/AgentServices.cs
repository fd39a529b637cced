using Contingious.Agent.Queue;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Contingious.Agent.Work;

public static class AgentServices
{
    /// <summary>Adds the agent as a hosted service. The host's start throws what <see cref="AgentService.StartAsync"/> throws.</summary>
    public static IServiceCollection AddAgent(this IServiceCollection services, AgentOptions options, BrokerOptions broker, JobRunner runner)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Slots, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Slots, 1_000, nameof(options));
        services.AddSingleton(options).AddSingleton(broker).AddSingleton(runner);
        services.AddHostedService<AgentService>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Grace);
        return services;
    }
}
