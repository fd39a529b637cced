// The kernel says ENOSPC with SIGBUS: the disk is the reason, the signal only its voice.
// expect: DiskLimit signal=7 flags=DiskFull
// limits: disk=4m file=1g
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    int file = open("sparse", O_RDWR | O_CREAT, 0600);
    if (ftruncate(file, 64 << 20)) return 1;
    char *map = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    for (int at = 0; at < 64 << 20; at += 4096) map[at] = 1;
    return 0;
}
