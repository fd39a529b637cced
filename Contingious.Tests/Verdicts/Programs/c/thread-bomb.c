// expect: NonZeroExit exit=11 flags=ProcessLimitHit
// limits: processes=32
// measured: ForksRefused>=1 PeakProcesses<=32
#include <pthread.h>
#include <unistd.h>
static void *stay(void *none) { for (;;) pause(); return none; }
int main(void) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    for (;;) { pthread_t thread; int error = pthread_create(&thread, &small, stay, 0); if (error) return error; }
}
