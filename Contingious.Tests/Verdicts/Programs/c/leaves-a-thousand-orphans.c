// The container's first process reaps them, or the limit would be used up.
// What the kernel keeps of each is given back a little later (RCU), and is the program's memory until then.
// expect: Ok flags=?ProcessLimitHit
// limits: processes=64 memory=512m
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 1000; i++) {
        pid_t child = fork();
        if (child == 0) {
            pid_t orphan;
            for (int again = 0; (orphan = fork()) < 0 && again < 100; again++) usleep(1000);
            _exit(orphan < 0);
        }
        int status;
        if (child < 0) { usleep(1000); i--; continue; }
        waitpid(child, &status, 0);
        if (status) return 1;
    }
    return 0;
}
