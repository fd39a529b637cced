using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>One setup at a time: a lock (flock(2)) on a directory that every host has, so that no lock file is left behind.</summary>
internal static class SetupTurn
{
    /// <exception cref="HostNotReadyException">Another setup is under way.</exception>
    public static FileLock Take(HostRoot root) =>
        FileLock.TryExclusive(root.At("/var/lib")) ?? throw new HostNotReadyException("Another contingious setup is under way on this host. Wait for it to end.");
}
