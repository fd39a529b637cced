// expect: CpuTimeLimit
// limits: cpu=300ms wall=30s
#include <signal.h>
int main(void) { for (int number = 1; number < 65; number++) signal(number, SIG_IGN); for (;;) ; }
