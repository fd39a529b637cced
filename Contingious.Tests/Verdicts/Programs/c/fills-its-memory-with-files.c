// A job with little disk has it in memory: the verdict is the memory's, the evidence says that it was files.
// expect: MemoryLimit flags=OomKilled
// limits: memory=64m disk=128m file=1g
// measured: MemoryInFilesBytes>=40m
#include <fcntl.h>
#include <unistd.h>
static char block[1 << 16];
int main(void) {
    int file = open("big", O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 1900; i++) if (write(file, block, sizeof block) != sizeof block) return 1;
    return 0;
}
