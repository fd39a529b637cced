// It ends well, and later than it may: the counter decides.
// expect: CpuTimeLimit
// limits: cpu=100ms wall=30s
#include <time.h>
int main(void) {
    struct timespec used;
    do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    while (used.tv_sec == 0 && used.tv_nsec < 250000000);
    return 0;
}
