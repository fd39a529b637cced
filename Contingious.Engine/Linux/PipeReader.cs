using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>Is told bytes that it has to copy where it wants to keep them. It must neither block nor throw.</summary>
public delegate void TakeBytes(ReadOnlySpan<byte> bytes);

/// <summary>
/// The reading end of a pipe, of which a process may have many: one thread reads all of them as something comes (<see cref="PipeLoop"/>), and none waits in a read(2).
/// Whoever knows that nobody writes any more takes what is left at once, without waiting for the pipe's end.
/// </summary>
public sealed class PipeReader : IDisposable
{
    /// <summary>What a pipe holds at most, unless its owner is privileged (pipe(7), pipe-max-size), and more than once that.</summary>
    private const long MostLeft = 16 << 20;

    private readonly Lock access = new();
    private readonly SafeHandle pipe;
    private readonly TakeBytes take;
    private bool isOpen = true;

    private PipeReader(SafeHandle pipe, TakeBytes take)
    {
        this.pipe = pipe;
        this.take = take;
    }

    /// <summary>Begins to read a pipe.</summary>
    /// <param name="pipe">Its reading end, which the caller closes after the reader.</param>
    /// <param name="take">Told what comes, in order, on any thread but never on two at once.</param>
    /// <exception cref="LinuxException">It cannot be read so.</exception>
    public static PipeReader Begin(SafeHandle pipe, TakeBytes take)
    {
        var flags = Libc.Fcntl(pipe, Libc.FGetFl, 0);
        if (flags < 0 || Libc.Fcntl(pipe, Libc.FSetFl, flags | Libc.NonBlocking) != 0) throw LinuxException.Last("fcntl", "a pipe");
        var reader = new PipeReader(pipe, take);
        PipeLoop.Shared.Add(reader, pipe);
        return reader;
    }

    /// <summary>Takes what is in the pipe now. Nothing that was written before is missed.</summary>
    public void TakeRest()
    {
        var buffer = new byte[64 << 10];
        for (long taken = 0; taken < MostLeft;)
        {
            var read = Read(buffer);
            if (read <= 0) return;
            taken += read;
        }
    }

    /// <summary>Reads no more.</summary>
    public void Dispose()
    {
        lock (access)
        {
            if (!isOpen) return;
            isOpen = false;
            PipeLoop.Shared.Remove(this, pipe);
        }
    }

    /// <summary>Takes what one read(2) gives.</summary>
    /// <returns>How much; 0 where there is no more now.</returns>
    internal unsafe int Read(byte[] buffer)
    {
        // One at a time, the taking included: else what was read last could be taken first.
        lock (access)
        {
            if (!isOpen) return 0;
            while (true)
            {
                nint read;
                fixed (byte* into = buffer) read = Libc.Read(pipe, into, (nuint)buffer.Length);
                if (read > 0)
                {
                    take(buffer.AsSpan(0, (int)read));
                    return (int)read;
                }

                if (read < 0 && LinuxException.LastErrno == Errno.EINTR) continue;
                if (read < 0 && LinuxException.LastErrno == Errno.EAGAIN) return 0;

                // The end; or something that no pipe says.
                isOpen = false;
                PipeLoop.Shared.Remove(this, pipe);
                return 0;
            }
        }
    }
}
