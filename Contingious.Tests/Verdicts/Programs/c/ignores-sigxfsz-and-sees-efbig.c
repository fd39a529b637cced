// expect: NonZeroExit exit=27
// limits: disk=16m file=1m
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
static char block[1 << 16];
int main(void) {
    signal(SIGXFSZ, SIG_IGN);
    int file = open("big", O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 64; i++) if (write(file, block, sizeof block) < 0) return errno;
    return 0;
}
