// expect: Signalled signal=35
#include <signal.h>
#include <unistd.h>
int main(void) { kill(getpid(), 35); pause(); }
