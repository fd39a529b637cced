// expect: CpuTimeLimit
// limits: cpu=300ms wall=30s
#include <unistd.h>
int main(void) { for (int i = 0; i < 3; i++) if (fork() == 0) for (;;) ; for (;;) pause(); }
