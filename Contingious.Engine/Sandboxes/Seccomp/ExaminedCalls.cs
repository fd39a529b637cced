using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes.Seccomp;

/// <summary>The system calls whose arguments decide. Numbers are those of amd64 and arm64 alike (asm-generic).</summary>
internal static class ExaminedCalls
{
    // clone(2), linux/sched.h: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. NEWTIME is for clone3 and unshare alone.
    private static readonly uint[] newNamespaces = [0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000];

    // socket(2), address_families(7). NETLINK_ROUTE (0) is how a C library lists interfaces.
    private const uint Unix = 1;
    private const uint Inet = 2;
    private const uint Inet6 = 10;
    private const uint Netlink = 16;

    // ioctl_tty(2): keystrokes into a terminal, the console's clipboard and keyboard, and line disciplines (kernel modules).
    private static readonly uint[] terminalTricks = [0x5412 /* TIOCSTI */, 0x541C /* TIOCLINUX */, 0x5423 /* TIOCSETD */];

    // F_NOTIFY of fcntl(2): dnotify, the ancestor of inotify, with no way to see the kind of event beforehand.
    private const uint DirectoryNotify = 1026;

    // inotify(7): IN_ACCESS, IN_CLOSE_NOWRITE, IN_OPEN. Who watches a file of the shared image sees other sandboxes open it.
    private static readonly uint[] watchedReads = [0x01, 0x10, 0x20];

    public static IReadOnlyList<SyscallRule> Rules { get; } =
    [
        .. WithoutBits("clone", 0, newNamespaces),
        .. WithoutBits("inotify_add_watch", 2, watchedReads),
        .. Sockets(),
        .. Ioctl(),
        .. Fcntl(),
        .. Personality(),
    ];

    private static IEnumerable<SyscallRule> WithoutBits(string name, int index, uint[] bits) =>
    [
        SyscallRule.Allow([name], ArgumentTest.Has(index, bits.Aggregate((all, bit) => all | bit), 0)),
        .. bits.Select(bit => SyscallRule.Refuse(Errno.EPERM, [name], ArgumentTest.Has(index, bit, bit))),
    ];

    private static IEnumerable<SyscallRule> Sockets()
    {
        foreach (var family in new[] { Unix, Inet, Inet6 }) yield return SyscallRule.Allow(["socket"], ArgumentTest.Is(0, family));
        foreach (var other in ArgumentTest.IsNone(0, 5, Unix, Inet, Inet6, Netlink)) yield return SyscallRule.Refuse(Errno.EPERM, ["socket"], other);
        yield return SyscallRule.Refuse(Errno.EPERM, ["socket"], ArgumentTest.IsAtLeast(0, 32));

        // PAM and useradd take EINVAL for "a kernel without audit" and go on; at EPERM they stop (audit_open(3)).
        yield return SyscallRule.Allow(["socket"], ArgumentTest.Is(0, Netlink), ArgumentTest.Is(2, 0));
        yield return SyscallRule.Refuse(Errno.EINVAL, ["socket"], ArgumentTest.Is(0, Netlink), ArgumentTest.IsAtLeast(2, 1));

        yield return SyscallRule.Allow(["socketpair"], ArgumentTest.Is(0, Unix));
        yield return SyscallRule.Refuse(Errno.EPERM, ["socketpair"], ArgumentTest.IsAtLeast(0, Unix + 1));
    }

    // A number of ioctl has a direction in bits 30 and 31, or has no size in bits 16 to 29 either (ioctl(2), linux/ioctl.h).
    private static IEnumerable<SyscallRule> Ioctl() =>
    [
        .. terminalTricks.Select(number => SyscallRule.Refuse(Errno.EPERM, ["ioctl"], ArgumentTest.Has(1, uint.MaxValue, number))),
        .. ArgumentTest.IsNone(1, 16, terminalTricks).Select(other => SyscallRule.Allow(["ioctl"], other)),
        SyscallRule.Allow(["ioctl"], ArgumentTest.Has(1, 0x8000_0000, 0x8000_0000)),
        SyscallRule.Allow(["ioctl"], ArgumentTest.Has(1, 0xC000_0000, 0x4000_0000)),
    ];

    // All commands are below 2,048.
    private static IEnumerable<SyscallRule> Fcntl() =>
    [
        SyscallRule.Refuse(Errno.EPERM, ["fcntl"], ArgumentTest.Has(1, uint.MaxValue, DirectoryNotify)),
        .. ArgumentTest.IsNone(1, 11, DirectoryNotify).Select(other => SyscallRule.Allow(["fcntl"], other)),
    ];

    // personality(2): PER_LINUX, ADDR_NO_RANDOMIZE, and asking without changing anything. Other systems' are ENOSYS.
    private static IEnumerable<SyscallRule> Personality() =>
        new uint[] { 0, 0x0004_0000, 0xFFFF_FFFF }.Select(allowed => SyscallRule.Allow(["personality"], ArgumentTest.Has(0, uint.MaxValue, allowed)));
}
