// expect: Ok flags=DiskFull
// limits: disk=4m file=1g
#include <fcntl.h>
#include <unistd.h>
static char block[4096];
int main(void) {
    int file = open("big", O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 4000; i++) (void)!write(file, block, sizeof block);
    return 0;
}
