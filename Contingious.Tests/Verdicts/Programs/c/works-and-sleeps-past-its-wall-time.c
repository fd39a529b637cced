// Not idle: it worked for much of the time.
// expect: WallTimeLimit
// limits: cpu=10s wall=1s
#include <time.h>
#include <unistd.h>
int main(void) {
    for (long turn = 1;; turn++) {
        struct timespec used;
        do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
        while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < turn * 10);
        usleep(2000);
    }
}
