// expect: CpuTimeLimit
// limits: cpu=300ms wall=30s cpus=2
// measured: CpuTime>300ms PeakProcesses>=2
#include <pthread.h>
static void *spin(void *none) { for (;;) ; return none; }
int main(void) { pthread_t thread; for (int i = 1; i < 8; i++) pthread_create(&thread, 0, spin, 0); spin(0); }
