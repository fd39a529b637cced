// expect: Signalled signal=7
#include <fcntl.h>
#include <sys/mman.h>
int main(void) {
    int file = open("empty", O_RDWR | O_CREAT, 0600);
    volatile char *map = mmap(0, 4096, PROT_READ, MAP_SHARED, file, 0);
    return map[0];
}
