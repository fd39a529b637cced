namespace Contingious.Engine.Sandboxes.Seccomp;

/// <summary>
/// The system calls that are known and not to be had: EPERM says so to a person who reads the message, where ENOSYS would
/// send them looking for a newer kernel. Most want a capability besides, which nobody in a sandbox has.
/// </summary>
internal static class RefusedCalls
{
    public static IReadOnlyList<string> Names { get; } = SyscallList.Parse("""
        # Keys: not of a namespace; a sandbox's keys would be found by the next one of the same uid (keyrings(7))
        add_key keyctl request_key

        # Code in the kernel, and the roads to it that have been holed most often
        bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
        init_module finit_module delete_module create_module query_module get_kernel_syms
        kexec_load kexec_file_load

        # Mounts and file systems
        mount umount2 pivot_root fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr
        swapon swapoff quotactl quotactl_fd acct nfsservctl sysfs uselib ustat

        # Files by handle reach round every mount; fanotify sees other sandboxes' files
        name_to_handle_at open_by_handle_at fanotify_init fanotify_mark lookup_dcookie

        # Namespaces (clone with CLONE_NEW… too: ExaminedCalls)
        unshare setns sethostname setdomainname

        # Other processes' insides. Debuggers do not work in a sandbox.
        ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd

        # Where memory lies on the host's nodes, and memory that the kernel cannot see for its own accounts
        mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages memfd_secret vmsplice

        # The clock, the console, the machine
        settimeofday clock_settime clock_adjtime adjtimex
        syslog vhangup reboot iopl ioperm sched_setattr
        """);

    /// <summary>
    /// Nothing of a sandbox outlives it, so there is nothing to bring to a disk; carried out, these would flush everything
    /// that anybody on the host has written (sync(2)), and the time that takes tells about them.
    /// </summary>
    public static IReadOnlyList<string> PretendedNames { get; } = ["sync", "syncfs"];
}
