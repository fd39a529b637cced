// One at a time, they never count together.
// What the kernel keeps of each is given back a little later (RCU), and is the program's memory until then.
// expect: Ok
// limits: processes=4 memory=512m
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 1000; i++) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        if (child < 0) return 1;
        waitpid(child, 0, 0);
    }
    return 0;
}
