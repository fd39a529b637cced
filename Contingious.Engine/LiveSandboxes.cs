using Contingious.Engine.Host;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Engine;

/// <summary>
/// The sandboxes of an account that live now, for whoever looks after them and runs none. It sweeps nothing and makes nothing ready, and it works
/// from outside of the keeper too (<see cref="AccountEntry.LookIntoKeeperAsync"/>).
/// </summary>
/// <param name="layout">The account's directories, with a view into the keeper where this process is not inside.</param>
/// <param name="time">The clock.</param>
public sealed class LiveSandboxes(HostLayout layout, TimeProvider time)
{
    private readonly SandboxTable table = new(layout, CgroupHomes.Of(layout), time, NullLogger.Instance);

    /// <summary>Those that are live now, whichever process owns them.</summary>
    public IReadOnlyList<LiveSandbox> List() => table.Live();

    /// <summary>
    /// Begins a further command inside a live sandbox's container, for the caller to run. It has the step's own privileges
    /// and limits, and a cgroup of its own.
    /// </summary>
    /// <param name="sandbox">The sandbox's name, or its job's id.</param>
    /// <param name="request">The command.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="ContingiousException">No such sandbox runs a container now, or it is busy: it has <see cref="LiveSession.MostAtOnce"/> such commands.</exception>
    public Task<LiveSession> ExecAsync(string sandbox, SessionRequest request, CancellationToken cancellation) =>
        (table.FindContainer(sandbox) ?? throw NoneNamed(sandbox)).ExecAsync(request, time, cancellation);

    /// <summary>What there is to say where no such sandbox lives.</summary>
    public static ContingiousException NoneNamed(string sandbox) => new($"No live sandbox {sandbox} runs a container. 'contingious ps' lists those that do.");
}
