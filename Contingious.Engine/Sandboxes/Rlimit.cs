using System.Globalization;
using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>A resource limit of the kernel's own, for each process (getrlimit(2)); the numbers are those of x86-64 and arm64.</summary>
internal readonly record struct Rlimit(string Name, int Number, long Value)
{
    /// <summary>What the command of a step and everything that is executed beside it get.</summary>
    public static IReadOnlyList<Rlimit> Of(Limits limits) =>
    [
        // No RLIMIT_CPU: the kernel counts it in timer ticks, which on a busy host ran 10 % ahead of the CPU time that was used, and killed a program
        // that was within its limit. The cgroup's clock decides, and a container does not outlive whoever reads it.
        new("RLIMIT_FSIZE", 1, limits.FileSize.Bytes),
        new("RLIMIT_STACK", 3, (limits.Stack ?? limits.Memory).Bytes),
        new("RLIMIT_CORE", 4, 0),
        new("RLIMIT_NOFILE", 7, limits.OpenFiles),
        new("RLIMIT_MEMLOCK", 8, 64 << 10),
        new("RLIMIT_SIGPENDING", 11, 1024),
        new("RLIMIT_MSGQUEUE", 12, 0),
        new("RLIMIT_NICE", 13, 0),
        new("RLIMIT_RTPRIO", 14, 0),
    ];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}={Value}");
}
