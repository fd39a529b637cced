// expect: MemoryLimit flags=OomKilled
// limits: memory=32m
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char *big = mmap(0, 200 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(big, 1, 200 << 20);
    return 0;
}
