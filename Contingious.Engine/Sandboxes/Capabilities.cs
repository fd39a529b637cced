namespace Contingious.Engine.Sandboxes;

/// <summary>Capabilities by name and number (capabilities(7), linux/capability.h).</summary>
internal static class Capabilities
{
    private static readonly (string Name, int Number)[] known =
    [
        ("CAP_CHOWN", 0), ("CAP_DAC_OVERRIDE", 1), ("CAP_FOWNER", 3), ("CAP_FSETID", 4), ("CAP_KILL", 5),
        ("CAP_SETGID", 6), ("CAP_SETUID", 7), ("CAP_SETPCAP", 8), ("CAP_NET_BIND_SERVICE", 10),
        ("CAP_SYS_RESOURCE", 24),
    ];

    /// <summary>What the container's init needs to become anybody, with nothing left, to end everybody, and to bound its user namespace.</summary>
    public static IReadOnlyList<string> OfInit { get; } = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL", "CAP_SYS_RESOURCE"];

    /// <summary>
    /// What root in a container has, where a job asks for it: enough to install and to change owners inside, and nothing that reaches the kernel
    /// (no SYS_ADMIN, NET_ADMIN, NET_RAW, SYS_PTRACE, MKNOD, SETFCAP, SETPCAP).
    /// </summary>
    public static IReadOnlyList<string> OfRoot { get; } =
        ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_NET_BIND_SERVICE"];

    public static ulong MaskOf(IEnumerable<string> names) =>
        names.Aggregate(0UL, (mask, name) => mask | (1UL << known.First(entry => entry.Name == name).Number));
}
