using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>The calls that space on a file system is reserved and limited with.</summary>
internal static unsafe partial class Libc
{
    /// <summary>quotactl_fd(2); the number is the same on every architecture.</summary>
    public const long SysQuotaCtlFd = 443;

    /// <summary>struct fsxattr of linux/fs.h.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 28)]
    public struct FsXattr
    {
        public uint Flags;
        public uint ExtentSize;
        public uint Extents;
        public uint ProjectId;
        public uint CowExtentSize;
    }

    /// <summary>struct dqblk of quotactl(2); the limits of space are in units of 1 KiB, what is used in bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 72)]
    public struct QuotaBlock
    {
        public ulong SpaceHardLimit;
        public ulong SpaceSoftLimit;
        public ulong SpaceUsed;
        public ulong InodesHardLimit;
        public ulong InodesSoftLimit;
        public ulong InodesUsed;
        public ulong SpaceTime;
        public ulong InodesTime;
        public uint Valid;
    }

    [LibraryImport(Name, EntryPoint = "syscall", SetLastError = true)]
    public static partial long SyscallQuotaCtlFd(long number, int fd, uint command, uint id, QuotaBlock* block);

    [LibraryImport(Name, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoctlFsXattr(SafeFileHandle file, nuint request, FsXattr* attributes);

    [LibraryImport(Name, EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Fallocate(SafeFileHandle file, int mode, long offset, long length);
}
