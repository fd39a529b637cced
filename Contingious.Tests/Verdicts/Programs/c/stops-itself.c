// expect: WallTimeLimit flags=Idle
// limits: cpu=10s wall=1s
#include <signal.h>
#include <unistd.h>
int main(void) { kill(getpid(), SIGSTOP); return 0; }
