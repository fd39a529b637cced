// Eight threads at once on every core, and gone again.
// expect: CpuTimeLimit
// limits: cpu=50ms wall=30s cpus=4
#include <pthread.h>
#include <time.h>
static void *burn(void *none) {
    struct timespec used;
    do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    while (used.tv_nsec < 20000000);
    return none;
}
int main(void) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], 0, burn, 0);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], 0);
    return 0;
}
