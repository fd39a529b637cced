// expect: MemoryLimit flags=OomKilled
// limits: memory=32m
// measured: OomKills>=1
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    if (fork() == 0) for (;;) memset(malloc(1 << 20), 1, 1 << 20);
    wait(0);
    return 0;
}
