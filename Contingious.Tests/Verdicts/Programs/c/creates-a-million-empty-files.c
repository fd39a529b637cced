// expect: DiskLimit exit=1 flags=DiskFull
// limits: inodes=300
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 1000000; i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%d", i);
        int file = open(name, O_WRONLY | O_CREAT, 0600);
        if (file < 0) return 1;
        close(file);
    }
    return 0;
}
