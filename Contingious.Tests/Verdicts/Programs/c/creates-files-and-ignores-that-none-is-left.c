// expect: Ok flags=DiskFull
// limits: inodes=100
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "file-%d", i);
        close(open(name, O_WRONLY | O_CREAT, 0600));
    }
    return 0;
}
