// 200 MB into one file of the clone.
#include <fcntl.h>
#include <unistd.h>
static char block[1 << 16];
int main(void) {
    int file = open("big", O_WRONLY | O_CREAT, 0600);
    for (int i = 0; i < 3200; i++) if (write(file, block, sizeof block) != sizeof block) return 1;
    return 0;
}
