// expect: Signalled signal=9
#include <signal.h>
#include <unistd.h>
int main(void) {
    if (fork() == 0) { kill(getppid(), SIGKILL); _exit(0); }
    for (;;) pause();
}
