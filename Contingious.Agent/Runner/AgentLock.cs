using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Agent.Runner;

/// <summary>There is one agent to an account of a host. The lock dies with its holder, however that ends.</summary>
internal sealed class AgentLock : IDisposable
{
    private readonly FileLock hold;

    private AgentLock(FileLock hold) => this.hold = hold;

    /// <exception cref="ContingiousException">Another agent of the account runs; the sentence says what to do.</exception>
    public static AgentLock Take(HostLayout layout) => Take($"{layout.StateDirectory}/agent.lock", layout.Account.Name);

    internal static AgentLock Take(string path, string account) => FileLock.TryClaim(path) is { } hold
        ? new AgentLock(hold)
        : throw new ContingiousException($"Another agent of {account} runs on this host already ({path} is locked). Give that one more slots, stop it first, or run this one as another account: contingious setup --account NAME");

    public void Dispose() => hold.Dispose();
}
