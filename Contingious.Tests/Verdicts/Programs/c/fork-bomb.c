// A refused fork, too, has memory of the kernel's, which is given back a little later (RCU): with little it would be killed for that.
// expect: CpuTimeLimit flags=ProcessLimitHit
// limits: cpu=300ms wall=60s processes=32 memory=1g
// measured: ForksRefused>=1 PeakProcesses<=32
#include <unistd.h>
int main(void) { for (;;) fork(); }
