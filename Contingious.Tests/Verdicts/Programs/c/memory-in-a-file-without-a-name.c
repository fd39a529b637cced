// Files in memory are memory.
// expect: MemoryLimit flags=OomKilled
// limits: memory=32m file=1g
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>
static char block[1 << 16];
int main(void) {
    int file = memfd_create("big", 0);
    for (int i = 0; i < 3200; i++) if (write(file, block, sizeof block) < 0) return 1;
    return 0;
}
