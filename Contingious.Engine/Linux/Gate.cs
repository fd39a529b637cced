using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>A FIFO (fifo(7)) at which one process waits until this one lets it pass. Whoever waits hears of it too when this process ends.</summary>
public sealed unsafe class Gate : IDisposable
{
    private const uint OwnerOnly = 0x180; // 0600

    private readonly SafeFileHandle fifo;

    private Gate(SafeFileHandle fifo) => this.fifo = fifo;

    /// <param name="path">Where it is made; nothing may be there.</param>
    /// <exception cref="LinuxException">It cannot be made.</exception>
    public static Gate Make(string path)
    {
        fixed (byte* where = NativePath.Terminated(path))
        {
            if (Libc.MakeFifo(where, OwnerOnly) != 0) throw LinuxException.Last("mkfifo", path);
        }

        // For both, which never waits for the other end.
        return new Gate(File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite));
    }

    /// <summary>Lets whoever waits pass, or will wait.</summary>
    public void Open()
    {
        byte pass = 1;
        if (Libc.Write(fifo, &pass, 1) != 1) throw LinuxException.Last("write", "a gate");
    }

    public void Dispose() => fifo.Dispose();
}
