// The container's first process is not among it: the program's own end is still reported.
// expect: NonZeroExit exit=5
// says: stdout is "alone\n"
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    if (fork() == 0) for (;;) pause();
    kill(1, SIGKILL);
    kill(1, SIGSTOP);
    kill(-1, SIGKILL);
    puts("alone");
    return 5;
}
