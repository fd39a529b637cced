namespace Contingious.Engine.Sandboxes.Seccomp;

/// <summary>
/// The system calls that are allowed whatever their arguments: what glibc 2.36 to 2.41, musl, CPython, the JVM, Node, .NET,
/// Go and the GNU tool chain make for programs without privileges, and no more. What else they need, the kernel checks.
/// Those that depend on an argument are in <see cref="ExaminedCalls"/>.
/// </summary>
internal static class AllowedCalls
{
    // Not here on purpose, and so ENOSYS:
    //   clone3             its flags lie in memory, where a filter cannot look; C libraries fall back to clone
    //   preadv2            with RWF_NOWAIT it tells whether a neighbour has read that page of the shared image; glibc falls back to preadv
    //   cachestat          tells the same
    //   io_setup, io_…     Linux AIO: its contexts are counted for the whole host (fs.aio-max-nr), so one sandbox could use them up
    //   modify_ldt         16-bit segments; with many kernels it is not there at all
    //   what is newer than libseccomp 2.5.4 (fchmodat2, mseal, futex_wait, map_shadow_stack, statmount …): everybody has a fallback still
    public static IReadOnlyList<string> Names { get; } = SyscallList.Parse("""
        # Files and directories. mknod makes FIFOs; the kernel refuses device nodes. chroot wants a capability.
        open openat openat2 creat close close_range dup dup2 dup3
        read write readv writev pread64 pwrite64 preadv pwritev pwritev2 lseek
        stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat
        getdents getdents64 getcwd chdir fchdir chroot umask
        mkdir mkdirat rmdir mknod mknodat link linkat symlink symlinkat unlink unlinkat rename renameat renameat2
        chmod fchmod fchmodat chown fchown lchown fchownat utime utimes futimesat utimensat
        truncate ftruncate fallocate fsync fdatasync sync_file_range fadvise64 readahead flock
        copy_file_range sendfile splice tee
        getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
        setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr

        # Memory. Locking it is bounded by RLIMIT_MEMLOCK; the policy of NUMA nodes may be read, not set.
        brk mmap munmap mremap mprotect madvise msync mincore remap_file_pages
        mlock mlock2 mlockall munlock munlockall memfd_create membarrier get_mempolicy
        pkey_alloc pkey_free pkey_mprotect

        # Processes and threads (clone is examined). Other processes are seen by pid of the sandbox's own namespace.
        fork vfork execve execveat exit exit_group wait4 waitid
        getpid getppid gettid getpgrp getpgid setpgid getsid setsid
        prctl arch_prctl set_tid_address set_robust_list get_robust_list rseq restart_syscall
        futex futex_waitv getcpu
        pidfd_open pidfd_send_signal kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo

        # Scheduling, limits and usage. More priority than given wants a capability.
        sched_yield sched_getaffinity sched_setaffinity sched_getscheduler sched_setscheduler sched_getparam sched_setparam
        sched_getattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval
        getpriority setpriority ioprio_get ioprio_set
        getrlimit setrlimit prlimit64 getrusage times uname sysinfo

        # Users, groups, capabilities: to lay privileges down. no_new_privs and the user namespace keep them from being gained.
        getuid geteuid getgid getegid getresuid getresgid getgroups capget
        setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset

        # Confining oneself further.
        seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self

        # Signals
        rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack pause
        signalfd signalfd4

        # Time: reading it, and waiting
        time gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep alarm getitimer setitimer
        timer_create timer_settime timer_gettime timer_getoverrun timer_delete
        timerfd_create timerfd_settime timerfd_gettime

        # Waiting for descriptors
        select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
        eventfd eventfd2 inotify_init inotify_init1 inotify_rm_watch

        # Between processes of the sandbox, whose ipc namespace is its own
        pipe pipe2 shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
        mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr

        # Sockets (socket and socketpair are examined)
        bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown
        sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg

        # Random numbers
        getrandom
        """);
}
