// expect: Signalled signal=25
// limits: disk=16m file=1m
#include <fcntl.h>
#include <unistd.h>
static char block[1 << 16];
int main(void) {
    int file = open("big", O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 64; i++) if (write(file, block, sizeof block) < 0) return 1;
    return 0;
}
