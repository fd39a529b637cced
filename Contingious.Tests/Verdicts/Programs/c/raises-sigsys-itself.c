// expect: Signalled signal=31
#include <signal.h>
#include <unistd.h>
int main(void) { kill(getpid(), SIGSYS); pause(); }
