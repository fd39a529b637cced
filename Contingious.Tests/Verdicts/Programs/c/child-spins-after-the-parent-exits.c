// expect: Ok
// limits: cpu=10s wall=60s
// says: stdout is "done\n"
// measured: CpuTime<5s
#include <stdio.h>
#include <unistd.h>
int main(void) { if (fork() == 0) for (;;) ; puts("done"); return 0; }
