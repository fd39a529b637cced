// What goes on between its own processes is nobody's output.
// expect: Ok
// limits: cpu=30s wall=120s output=1m
// says: stdout is "1073741824\n"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static char block[1 << 16];
int main(void) {
    int ends[2];
    if (pipe(ends)) return 1;
    if (fork() == 0) {
        long total = 0, got;
        close(ends[1]);
        while ((got = read(ends[0], block, sizeof block)) > 0) total += got;
        printf("%ld\n", total);
        return 0;
    }
    close(ends[0]);
    for (int i = 0; i < 1 << 14; i++) if (write(ends[1], block, sizeof block) != sizeof block) return 2;
    close(ends[1]);
    wait(0);
    return 0;
}
