/* Makes every system call of interest with arguments that do no harm, and prints "name errno" for each, 0 for success.
   Arguments are chosen so that a kernel without a filter would give another answer than EPERM or ENOSYS where it can. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static char page[4096];

static void report(const char *name, long result) {
    printf("%s %d\n", name, result == -1 ? errno : 0);
    fflush(stdout);
}

#define CALL(name, ...) report(#name, syscall(SYS_##name, ##__VA_ARGS__))
#define NUMBER(name, nr, ...) report(#name, syscall(nr, ##__VA_ARGS__))
#define CASE(label, name, ...) report(label, syscall(SYS_##name, ##__VA_ARGS__))

/* A child that was made after all must not go on with the list. */
static void try_clone(const char *label, unsigned long flags) {
    long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    report(label, pid);
    if (pid > 0) waitpid(pid, 0, 0);
}

static void dangerous(void) {
    CALL(add_key, "user", "x", "y", 1, -4);
    CALL(keyctl, 0, -4, 1);
    CALL(request_key, "user", "x", 0, -4);
    CALL(bpf, 0, page, sizeof page);
    CALL(perf_event_open, page, 0, -1, -1, 0);
    CALL(userfaultfd, 1);
    NUMBER(io_uring_setup, 425, 1, page);
    NUMBER(io_uring_enter, 426, -1, 0, 0, 0, 0, 0);
    NUMBER(io_uring_register, 427, -1, 0, 0, 0);
    CALL(init_module, page, 0, "");
    CALL(finit_module, -1, "", 0);
    CALL(delete_module, "no-such", 0);
    CALL(kexec_load, 0, 0, 0, 0);
    CALL(mount, "none", "/no-such", "tmpfs", 0, 0);
    CALL(umount2, "/no-such", 0);
    CALL(pivot_root, "/no-such", "/no-such");
    NUMBER(open_tree, 428, -1, "/tmp", 0);
    NUMBER(move_mount, 429, -1, "", -1, "", 0);
    NUMBER(fsopen, 430, "no-such", 0);
    NUMBER(fsconfig, 431, -1, 0, 0, 0, 0);
    NUMBER(fsmount, 432, -1, 0, 0);
    NUMBER(fspick, 433, -1, "/tmp", 0);
    NUMBER(mount_setattr, 442, -1, "", 0, page, 32);
    CALL(swapon, "/no-such", 0);
    CALL(swapoff, "/no-such");
    CALL(quotactl, 0, "/no-such", 0, page);
    CALL(acct, "/no-such");
    CALL(name_to_handle_at, -1, "/tmp", page, page, 0);
    CALL(open_by_handle_at, -1, page, 0);
    CALL(fanotify_init, 0, 0);
    CALL(unshare, 0);
    CALL(setns, -1, 0);
    CALL(sethostname, "", -1);
    CALL(setdomainname, "", -1);
    CALL(ptrace, 0, 0, 0, 0);
    CALL(process_vm_readv, getpid(), 0, 0, 0, 0, 0);
    CALL(process_vm_writev, getpid(), 0, 0, 0, 0, 0);
    CALL(kcmp, getpid(), getpid(), 0, 0, 0);
    NUMBER(pidfd_getfd, 438, -1, 0, 0);
    CALL(mbind, 0, 0, 0, 0, 0, 0);
    CALL(set_mempolicy, 0, 0, 0);
    CALL(migrate_pages, 0, 0, 0, 0);
    CALL(move_pages, 0, 0, 0, 0, 0, 0);
    NUMBER(memfd_secret, 447, 0);
    CALL(vmsplice, -1, 0, 0, 0);
    CALL(settimeofday, 0, 0);
    CALL(clock_settime, 0, 0);
    CALL(adjtimex, page);
    CALL(clock_adjtime, 0, page);
    CALL(syslog, 10, 0, 0);
    CALL(vhangup);
    CALL(reboot, 0, 0, 0, 0);
#ifdef SYS_iopl
    CALL(iopl, 0);
    CALL(ioperm, 0, 1, 0);
#endif
    CALL(sched_setattr, 0, page, 0);
}

static void absent(void) {
    NUMBER(clone3, SYS_clone3, page, 0);
    CALL(preadv2, -1, 0, 0, 0, 0, 0);
    CALL(io_setup, 0, 0);
    NUMBER(cachestat, 451, -1, 0, 0, 0);
#ifdef SYS_modify_ldt
    CALL(modify_ldt, 0, page, 0);
#endif
    NUMBER(never-was, 4095);
}

static void by_argument(void) {
    static const unsigned long news[] = {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
    static const char *names[] = {"clone:mnt", "clone:cgroup", "clone:uts", "clone:ipc", "clone:user", "clone:pid", "clone:net"};
    for (int i = 0; i < 7; i++) try_clone(names[i], news[i]);
    try_clone("clone:user+net", CLONE_NEWUSER | CLONE_NEWNET);
    try_clone("clone", 0);

    CASE("socket:unix", socket, 1, SOCK_STREAM, 0);
    CASE("socket:inet", socket, 2, SOCK_STREAM, 0);
    CASE("socket:inet6", socket, 10, SOCK_STREAM, 0);
    CASE("socket:netlink-route", socket, 16, SOCK_RAW, 0);
    CASE("socket:netlink-audit", socket, 16, SOCK_RAW, 9);
    CASE("socket:netlink-netfilter", socket, 16, SOCK_RAW, 12);
    CASE("socket:netlink-generic", socket, 16, SOCK_RAW, 16);
    CASE("socket:packet", socket, 17, SOCK_RAW, 0);
    CASE("socket:alg", socket, 38, SOCK_SEQPACKET, 0);
    CASE("socket:vsock", socket, 40, SOCK_STREAM, 0);
    CASE("socket:xdp", socket, 44, SOCK_RAW, 0);
    int others = 0;
    for (int family = 0; family < 256; family++) {
        if (family == 1 || family == 2 || family == 10 || family == 16) continue;
        if (syscall(SYS_socket, family, SOCK_STREAM, 0) != -1 || errno != EPERM) others++;
    }
    printf("socket:families-not-refused %d\n", others);
    CASE("socket:vsock-upper-half", socket, 0x100000000 | 40, SOCK_STREAM, 0);
    int pair[2];
    CASE("socketpair:unix", socketpair, 1, SOCK_STREAM, 0, pair);
    CASE("socketpair:tipc", socketpair, 30, SOCK_STREAM, 0, pair);

    char byte = 'x';
    CASE("ioctl:TIOCSTI", ioctl, -1, 0x5412, &byte);
    CASE("ioctl:TIOCSTI-upper-half", ioctl, -1, 0x100005412, &byte);
    CASE("ioctl:TIOCSTI-sign-extended", ioctl, -1, 0xffffffff00005412, &byte);
    CASE("ioctl:TIOCLINUX", ioctl, -1, 0x541C, &byte);
    CASE("ioctl:TIOCSETD", ioctl, -1, 0x5423, &byte);
    CASE("ioctl:TIOCSPGRP", ioctl, -1, 0x5410, &byte);
    CASE("ioctl:TIOCGWINSZ", ioctl, -1, 0x5413, page);
    CASE("ioctl:FIONREAD", ioctl, -1, 0x541B, page);
    CASE("ioctl:TIOCGPTN", ioctl, -1, 0x80045430, page);
    CASE("ioctl:TIOCGPTN-sign-extended", ioctl, -1, 0xffffffff80045430, page);

    CASE("fcntl:F_NOTIFY", fcntl, -1, 1026, 1);
    CASE("fcntl:F_GETFL", fcntl, -1, F_GETFL, 0);
    CASE("fcntl:F_SETLK", fcntl, -1, F_SETLK, page);
    CASE("fcntl:F_SETPIPE_SZ", fcntl, -1, F_SETPIPE_SZ, 4096);
    CASE("fcntl:F_ADD_SEALS", fcntl, -1, 1033, 0);

    CASE("inotify_add_watch:modify", inotify_add_watch, -1, "/tmp", 0x02);
    CASE("inotify_add_watch:create+delete+move", inotify_add_watch, -1, "/tmp", 0x01000fc0 & ~0x800);
    CASE("inotify_add_watch:access", inotify_add_watch, -1, "/tmp", 0x01);
    CASE("inotify_add_watch:open", inotify_add_watch, -1, "/tmp", 0x20);
    CASE("inotify_add_watch:close-nowrite", inotify_add_watch, -1, "/tmp", 0x10);
    CASE("inotify_add_watch:all", inotify_add_watch, -1, "/tmp", 0xfff);

    CASE("personality:query", personality, 0xffffffff);
    CASE("personality:query-sign-extended", personality, -1L);
    CASE("personality:linux", personality, 0);
    CASE("personality:no-randomize", personality, 0x40000);
    CASE("personality:linux32", personality, 8);
    CASE("personality:read-implies-exec", personality, 0x400000);
    CASE("personality:no-randomize-and-more", personality, 0x440000);
    syscall(SYS_personality, 0);
}

static void allowed(void) {
    struct sched_param parameter = {0};
    CALL(close_range, 4000, 4001, 0);
    CALL(faccessat2, AT_FDCWD, "/", 0, 0);
    CALL(openat2, -1, "x", page, 24);
    CALL(statx, AT_FDCWD, "/", 0, 0, page);
    CALL(getrandom, page, 1, 0);
    CALL(memfd_create, "x", 0);
    CALL(membarrier, 0, 0, 0);
    CALL(rseq, 0, 0, 0, 0);
    CALL(set_robust_list, page, 24);
    NUMBER(futex_waitv, 449, 0, 0, 0, 0, 0);
    CALL(pidfd_open, getpid(), 0);
    CALL(pidfd_send_signal, -1, 0, 0, 0);
    CALL(epoll_pwait2, -1, 0, 0, 0, 0, 0);
    NUMBER(landlock_create_ruleset, 444, 0, 0, 1);
    NUMBER(landlock_restrict_self, 446, -1, 0);
    CALL(seccomp, 2, 0, 0);
    CALL(sched_setaffinity, -1, 0, 0);
    CALL(sched_setscheduler, 0, SCHED_BATCH, &parameter);
    CALL(sched_getattr, 0, page, 48, 0);
    CALL(mlock, page, sizeof page);
    CALL(get_mempolicy, 0, 0, 0, 0, 0);
    CALL(pkey_alloc, 0, 8);
    CALL(copy_file_range, -1, 0, -1, 0, 0, 0);
    CALL(flock, -1, 2);
    CALL(renameat2, -1, "x", -1, "y", 0);
    unlink("probe-fifo");
    CASE("mknodat:fifo", mknodat, AT_FDCWD, "probe-fifo", S_IFIFO | 0600, 0);
    CASE("mknodat:device", mknodat, AT_FDCWD, "probe-device", S_IFCHR | 0600, 0x103);
    CALL(inotify_init1, 0);
    CALL(signalfd4, -1, page, 8, 0);
    CALL(timerfd_create, CLOCK_MONOTONIC, 0);
    CALL(eventfd2, 0, 0);
    CALL(execveat, -1, "x", 0, 0, 0);
    CALL(waitid, P_ALL, 0, 0, WEXITED | WNOHANG, 0);
    CALL(prlimit64, 0, 7, 0, page);
    CALL(capget, page, 0);
    CALL(chroot, "/no-such");
    CALL(shmget, 0x1234, 4096, 0600 | 01000);
    CALL(sync);
    CALL(syncfs, -1);
}

int main(void) {
    /* As root of a host some of this would succeed. */
    if (geteuid() == 0 && !getenv("PROBE_IN_SANDBOX")) {
        fputs("probe: refusing to run as root: this is for the inside of a sandbox\n", stderr);
        return 2;
    }
    dangerous();
    absent();
    by_argument();
    allowed();
    return 0;
}
