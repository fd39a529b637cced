// The step's end is its first program's, not that of whoever is left.
// expect: Ok
// limits: cpu=10s wall=30s
#include <unistd.h>
int main(void) {
    if (fork() == 0) { if (fork() == 0) { usleep(20000); _exit(7); } _exit(6); }
    usleep(100000);
    return 0;
}
