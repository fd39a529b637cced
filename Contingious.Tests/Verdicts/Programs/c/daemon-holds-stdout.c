// expect: Ok
// limits: cpu=10s wall=60s
// says: stdout is "done\n"
// measured: WallTime<20s
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    if (fork() == 0) {
        setsid();
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        if (fork() == 0) for (;;) pause();
        _exit(0);
    }
    puts("done");
    return 0;
}
