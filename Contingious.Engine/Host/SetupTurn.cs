using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>One setup at a time: a lock (flock(2)) on a directory that every host has, so that no lock file is left behind.</summary>
internal sealed class SetupTurn : IDisposable
{
    private const int Exclusive = 2;
    private const int NonBlocking = 4;
    private const int Unlock = 8;

    private readonly DirectoryHandle directory;

    private SetupTurn(DirectoryHandle directory) => this.directory = directory;

    /// <exception cref="HostNotReadyException">Another setup is under way.</exception>
    public static SetupTurn Take(HostRoot root)
    {
        var directory = DirectoryHandle.Open(root.At("/var/lib"));
        if (Libc.Flock(directory.Handle, Exclusive | NonBlocking) == 0) return new SetupTurn(directory);
        directory.Dispose();
        throw new HostNotReadyException("Another contingious setup is under way on this host. Wait for it to end.");
    }

    public void Dispose()
    {
        // Closing is not enough: a process that another thread is just starting holds a copy of the descriptor until its exec.
        _ = Libc.Flock(directory.Handle, Unlock);
        directory.Dispose();
    }
}
