using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>The thread of this process that waits for pipes to have something (epoll(7)). There is none before the first pipe.</summary>
internal sealed unsafe class PipeLoop
{
    private const int MostAtOnce = 64;

    private static readonly Lazy<PipeLoop> shared = new(() => new PipeLoop());

    private readonly SafeFileHandle epoll;
    private readonly ConcurrentDictionary<ulong, PipeReader> readers = new();
    private readonly ConcurrentDictionary<PipeReader, ulong> numbers = new();
    private ulong last;

    private PipeLoop()
    {
        var fd = Libc.EpollCreate(Libc.EpollCloseOnExec);
        epoll = fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw LinuxException.Last("epoll_create1", "");
        new Thread(Run) { IsBackground = true, Name = "pipes" }.Start();
    }

    public static PipeLoop Shared => shared.Value;

    public void Add(PipeReader reader, SafeHandle pipe)
    {
        var number = Interlocked.Increment(ref last);
        numbers[reader] = number;
        readers[number] = reader;
        var happening = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(new Span<byte>(happening, sizeof(uint)), Libc.EpollIn);
        BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(happening + Libc.EpollDataOffset, sizeof(ulong)), number);
        if (Libc.EpollControl(epoll, Libc.EpollAdd, pipe, happening) == 0) return;
        var error = LinuxException.Last("epoll_ctl", "a pipe");
        _ = readers.TryRemove(number, out _);
        _ = numbers.TryRemove(reader, out _);
        throw error;
    }

    public void Remove(PipeReader reader, SafeHandle pipe)
    {
        if (!numbers.TryRemove(reader, out var number)) return;
        _ = readers.TryRemove(number, out _);
        var unused = stackalloc byte[16];
        if (!pipe.IsClosed) _ = Libc.EpollControl(epoll, Libc.EpollRemove, pipe, unused);
    }

    private void Run()
    {
        var happenings = stackalloc byte[MostAtOnce * 16];
        var buffer = new byte[64 << 10];
        while (true)
        {
            var count = Libc.EpollWait(epoll, happenings, MostAtOnce, -1);
            for (var i = 0; i < count; i++)
            {
                var number = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(happenings + (i * Libc.EpollEventSize) + Libc.EpollDataOffset, sizeof(ulong)));

                // One read each, so that none waits for another that has always more.
                if (readers.TryGetValue(number, out var reader)) _ = reader.Read(buffer);
            }
        }
    }
}
