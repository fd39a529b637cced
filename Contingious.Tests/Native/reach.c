/* Tries to get at every process there may be, by number, and prints how many of each attempt succeeded. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int main(void) {
    int there = 0, traced = 0, read = 0, taken = 0, listed = 0;
    char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)&main, 1};
    for (int pid = 1; pid < 100000; pid++) {
        if (pid == getpid()) continue;
        if (kill(pid, 0) == 0 || errno == EPERM) there++;
        if (syscall(SYS_ptrace, PTRACE_SEIZE, pid, 0, 0) == 0) traced++;
        if (syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0) == 1) read++;
        int process = syscall(SYS_pidfd_open, pid, 0);
        if (process < 0) continue;
        if (syscall(SYS_pidfd_getfd, process, 0, 0) >= 0) taken++;
        close(process);
    }
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; (entry = readdir(processes));) listed += atoi(entry->d_name) > 0 && atoi(entry->d_name) != getpid();
    printf("there %d listed %d traced %d read %d taken %d\n", there, listed, traced, read, taken);
    return 0;
}
