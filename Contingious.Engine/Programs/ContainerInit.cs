using System.Buffers.Binary;
using System.Net.Sockets;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Programs;

/// <summary>A command as the container's init is told it: everything that is the command's own, as bytes.</summary>
internal sealed record InitOrder
{
    public required uint Uid { get; init; }

    public required uint Gid { get; init; }

    /// <summary>Bits of capabilities(7) that the command keeps.</summary>
    public required ulong Capabilities { get; init; }

    /// <summary>Number and value of each limit of getrlimit(2), soft and hard alike.</summary>
    public required IReadOnlyList<(int Resource, long Value)> Limits { get; init; }

    public required string WorkingDirectory { get; init; }

    public required IReadOnlyList<string> Args { get; init; }

    /// <summary>As <c>NAME=VALUE</c>.</summary>
    public required IReadOnlyList<string> Env { get; init; }
}

/// <summary>What the init reports: the kinds of Native/init.c.</summary>
internal enum InitReportKind
{
    Ready = 1,
    Started,
    Failed,
    Ended,
    Quiet,
}

/// <summary>Where starting a command can fail: the stages of Native/init.c.</summary>
internal enum InitStage
{
    Order = 1,
    Fork,
    Limits,
    User,
    Directory,
    Exec,
    Interpreter,
    Filter,
}

/// <param name="Kind">What happened.</param>
/// <param name="Stage">Where, for <see cref="InitReportKind.Failed"/>; si_code of waitid(2) for <see cref="InitReportKind.Ended"/>.</param>
/// <param name="Status">errno, or si_status.</param>
/// <param name="Time">When, on CLOCK_MONOTONIC, since boot.</param>
internal readonly record struct InitReport(InitReportKind Kind, int Stage, int Status, TimeSpan Time)
{
    /// <summary>si_code of a process that exited; any other is death by a signal (waitid(2)).</summary>
    public const int Exited = 1;
}

/// <summary>
/// The static program that is the first process of every container (Native/init.c): the launcher, the reaper and the witness.
/// This is the agent's end of its socket.
/// </summary>
internal sealed class ContainerInit : IDisposable
{
    private const uint Protocol = 1;
    private const int ReportSize = 24;

    private readonly Socket socket;

    public ContainerInit(Socket socket)
    {
        this.socket = socket;
        Pid = UnixListener.PeerPid(socket);
    }

    /// <summary>Where the program lies beside this one.</summary>
    public static string BuiltProgram => Path.Combine(AppContext.BaseDirectory, "contingious-init");

    /// <summary>A program that joins cgroups before anything else. The init becomes it: no process is left between.</summary>
    /// <param name="init">The init.</param>
    /// <param name="log">Where it says what went wrong.</param>
    /// <param name="gate">A FIFO that it waits for a byte of, once it has joined; nothing where it is not to wait.</param>
    /// <param name="joinFiles">The cgroup.procs files.</param>
    /// <param name="command">The program and its arguments.</param>
    public static ProgramRequest Join(string init, string log, string? gate, IReadOnlyList<string> joinFiles, IReadOnlyList<string> command) =>
        new(init, ["join", log, gate ?? "", .. joinFiles, "--", .. command]);

    /// <summary>The init's pid, as the host numbers it.</summary>
    public int Pid { get; }

    /// <summary>Reads the next report; nothing where the init has ended.</summary>
    public async Task<InitReport?> ReadAsync(CancellationToken cancellation)
    {
        var buffer = new byte[ReportSize];
        try
        {
            for (var length = 0; length < ReportSize;)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
                if (read == 0) return null;
                length += read;
            }
        }
        catch (SocketException)
        {
            return null;
        }

        var nanoseconds = BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(16));
        return new InitReport(
            (InitReportKind)BinaryPrimitives.ReadUInt32LittleEndian(buffer),
            BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(4)),
            BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(8)),
            TimeSpan.FromTicks((long)(nanoseconds / 100)));
    }

    /// <summary>Lets the command begin.</summary>
    public async Task SendAsync(InitOrder order, CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> message = Encode(order);
        while (!message.IsEmpty) message = message[await socket.SendAsync(message, cancellation).ConfigureAwait(false)..];
    }

    /// <summary>Asks for everything in the container to be killed. An init that has ended has done so.</summary>
    public void Kill()
    {
        try
        {
            _ = socket.Send([0]);
        }
        catch (SocketException)
        {
            // It has ended.
        }
    }

    /// <summary>Ends the init, and with it the container.</summary>
    public void Dispose() => socket.Dispose();

    // struct order and what follows it, in the machine's byte order, which is little-endian wherever .NET runs on Linux.
    internal static byte[] Encode(InitOrder order)
    {
        using var body = new MemoryStream();
        using var writer = new BinaryWriter(body);
        foreach (var (resource, value) in order.Limits)
        {
            writer.Write((ulong)(uint)resource);
            writer.Write((ulong)value);
        }

        foreach (var text in order.Args.Prepend(order.WorkingDirectory).Concat(order.Env))
        {
            writer.Write(NativeText.Bytes(text));
            writer.Write((byte)0);
        }

        writer.Flush();
        using var message = new MemoryStream();
        using var head = new BinaryWriter(message);
        head.Write(Protocol);
        head.Write((uint)body.Length);
        head.Write(order.Uid);
        head.Write(order.Gid);
        head.Write(order.Capabilities);
        head.Write(0u);
        head.Write((uint)order.Limits.Count);
        head.Write((uint)order.Args.Count);
        head.Write((uint)order.Env.Count);
        head.Write(body.ToArray());
        head.Flush();
        return message.ToArray();
    }
}
