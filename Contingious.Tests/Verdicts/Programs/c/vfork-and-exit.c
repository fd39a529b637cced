// expect: Ok
// says: stdout is "3\n"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    int status;
    pid_t child = vfork();
    if (child == 0) _exit(3);
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
}
