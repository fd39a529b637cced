// 100 × 10 ms of CPU time, each by its thread's clock: see one-second-of-cpu.c. Every other child is waited for at once; the rest is never waited for, but has ended before the program does.
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static void burn(void) {
    struct timespec used;
    do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    while (used.tv_nsec < 10000000);
    _exit(0);
}
int main(void) {
    int ends[2];
    char none;
    if (pipe(ends)) return 1;
    for (int i = 0; i < 100; i++) {
        pid_t child = fork();
        if (child < 0) return 2;
        if (child == 0) burn();
        if (i % 2 == 0) waitpid(child, 0, 0);
    }
    close(ends[1]);
    // The end of the pipe: every child has closed its own.
    return read(ends[0], &none, 1) != 0;
}
