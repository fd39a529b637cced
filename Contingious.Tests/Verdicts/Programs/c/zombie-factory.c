// A zombie counts until somebody reaps it.
// expect: Ok flags=ProcessLimitHit
// limits: processes=32
// says: stdout is "31\n"
#include <stdio.h>
#include <unistd.h>
int main(void) {
    int made = 0;
    for (;;) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        if (child < 0) break;
        made++;
    }
    printf("%d\n", made);
    return 0;
}
