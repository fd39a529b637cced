using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>
/// Project quotas of ext4 and xfs: whatever is made in a directory of a project is the project's, and counts for its limits.
/// Only the host's root may give a directory a project or a project its limits (quotactl(2), FS_IOC_FSSETXATTR in ioctl_xfs_fsgetxattr(2)).
/// Everybody sees them as the size of the directory's file system (statvfs(3)), which is how <see cref="Mounts.UseOf"/> reads them.
/// </summary>
public static unsafe class ProjectQuota
{
    // _IOR('X', 31, struct fsxattr) and _IOW('X', 32, struct fsxattr) of linux/fs.h.
    private const nuint GetAttributes = 0x801C581F;
    private const nuint SetAttributes = 0x401C5820;
    private const uint InheritFlag = 0x200;

    // QCMD(Q_GETQUOTA, PRJQUOTA) and QCMD(Q_SETQUOTA, PRJQUOTA) of linux/quota.h.
    private const uint Get = (0x800007u << 8) | 2;
    private const uint Set = (0x800008u << 8) | 2;
    private const uint SpaceAndInodeLimits = 1 | 4;
    private const int SpaceUnit = 1024;

    /// <summary>The project that new entries of a directory get; nothing where they get none.</summary>
    public static uint? Of(DirectoryHandle directory)
    {
        Libc.FsXattr attributes;
        if (Libc.IoctlFsXattr(directory.Handle, GetAttributes, &attributes) != 0) throw LinuxException.Last("ioctl FS_IOC_FSGETXATTR on", directory.Path);
        return (attributes.Flags & InheritFlag) != 0 && attributes.ProjectId != 0 ? attributes.ProjectId : null;
    }

    /// <summary>Puts a directory, and what is made in it from now on, into a project.</summary>
    public static void Assign(DirectoryHandle directory, uint project)
    {
        Libc.FsXattr attributes;
        if (Libc.IoctlFsXattr(directory.Handle, GetAttributes, &attributes) != 0) throw LinuxException.Last("ioctl FS_IOC_FSGETXATTR on", directory.Path);
        attributes.ProjectId = project;
        attributes.Flags |= InheritFlag;
        if (Libc.IoctlFsXattr(directory.Handle, SetAttributes, &attributes) != 0) throw LinuxException.Last("ioctl FS_IOC_FSSETXATTR on", directory.Path);
    }

    /// <summary>The hard limits and the use of a project; zeros where it has none.</summary>
    /// <param name="fileSystem">Any directory of the file system.</param>
    /// <param name="project">The project.</param>
    /// <exception cref="LinuxException">ESRCH: the file system is mounted without project quotas.</exception>
    public static ProjectLimits LimitsOf(DirectoryHandle fileSystem, uint project)
    {
        Libc.QuotaBlock block;
        if (Libc.SyscallQuotaCtlFd(Libc.SysQuotaCtlFd, fileSystem.Handle.DangerousGetHandle().ToInt32(), Get, project, &block) != 0)
        {
            var error = LinuxException.Last("quotactl Q_GETQUOTA on", fileSystem.Path);

            // xfs says so of a project that never had any.
            return error.Errno == Errno.ENOENT ? default : throw error;
        }

        return new ProjectLimits((long)block.SpaceHardLimit * SpaceUnit, (long)block.InodesHardLimit, (long)block.InodesUsed);
    }

    /// <summary>Gives a project hard limits; 0 is none.</summary>
    public static void SetLimits(DirectoryHandle fileSystem, uint project, long bytes, long inodes)
    {
        var block = new Libc.QuotaBlock
        {
            SpaceHardLimit = (ulong)(bytes / SpaceUnit),
            InodesHardLimit = (ulong)inodes,
            Valid = SpaceAndInodeLimits,
        };
        if (Libc.SyscallQuotaCtlFd(Libc.SysQuotaCtlFd, fileSystem.Handle.DangerousGetHandle().ToInt32(), Set, project, &block) != 0) throw LinuxException.Last("quotactl Q_SETQUOTA on", fileSystem.Path);
    }

    /// <summary>Makes a file longer by blocks that are allocated and never written (fallocate(2)); they count for quotas at once.</summary>
    /// <remarks>Only the new part may be named: xfs asks the quota for the whole range anew, whatever of it is allocated already.</remarks>
    /// <returns>Whether there was room.</returns>
    public static bool TryExtend(SafeFileHandle file, long from, long by)
    {
        while (Libc.Fallocate(file, 0, from, by) != 0)
        {
            var error = LinuxException.Last("fallocate", "an open file");
            if (error.Errno is Errno.ENOSPC or Errno.EDQUOT) return false;
            if (error.Errno != Errno.EINTR) throw error;
        }

        return true;
    }
}

/// <summary>What a project may use, and how many inodes it has.</summary>
public readonly record struct ProjectLimits(long Bytes, long Inodes, long InodesUsed);
