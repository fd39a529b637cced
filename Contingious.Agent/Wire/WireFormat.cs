using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>The numbers of docs/wire.md.</summary>
public static class WireFormat
{
    public const int Version = 1;

    public const string ContentType = "application/msgpack";

    public const int MaxAttempt = 1_000_000;

    public const int MaxSteps = 64;
    public const int MaxFiles = 4_096;
    public const int MaxArchives = 16;
    public const int MaxArchiveEntries = 10_000;
    public const int MaxOutputs = 64;
    public const int MaxMounts = 16;
    public const int MaxArgs = 4_096;
    public const int MaxEnv = 1_024;
    public const int MaxStepName = 64;

    /// <summary>UTF-8 bytes of any one text: looked at before it is decoded.</summary>
    public const int MaxText = 1 << 20;

    /// <summary>UTF-8 bytes of an answer that is handed on to an INGInious grader.</summary>
    public const int MaxInputText = 16 << 20;

    /// <summary>Bytes that decoding allocates for each byte of a message, at most; archives that are packed with gzip come on top, bounded by <see cref="MaxUnpackedBytes"/>.</summary>
    public const int AllocationFactor = 48;

    /// <summary>A larger job is not even decoded.</summary>
    public static ByteSize MaxMessage { get; } = ByteSize.FromMiB(32);

    /// <summary>A larger result is trimmed: RabbitMQ 4 refuses messages above 16 MiB unless it is told otherwise.</summary>
    public static ByteSize MaxResult { get; } = ByteSize.FromMiB(15);

    /// <summary>The contents of a job's files together.</summary>
    public static ByteSize MaxFileBytes { get; } = ByteSize.FromMiB(16);

    /// <summary>The contents of a job's archives together, unpacked.</summary>
    public static ByteSize MaxUnpackedBytes { get; } = ByteSize.FromMiB(64);

    /// <summary>Extended headers of a job's archives together.</summary>
    public static ByteSize MaxExtendedHeaders { get; } = ByteSize.FromMiB(8);

    public static ByteSize MaxStdin { get; } = ByteSize.FromMiB(16);

    /// <summary>A step's arguments together, and its environment: the kernel's limit for one string of either is 128 KiB too.</summary>
    public static ByteSize MaxArgBytes { get; } = ByteSize.FromKiB(128);
}
