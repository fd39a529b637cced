// 1.000 s of CPU time in one thread.
// By the thread's clock: the process's own is only right to a tick (4 ms) where RLIMIT_CPU is set (kernel/time/posix-cpu-timers.c).
#include <time.h>
int main(void) {
    struct timespec used;
    do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    while (used.tv_sec < 1);
    return 0;
}
