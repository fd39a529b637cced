// Nothing is ignored or blocked on behalf of whoever started it.
// expect: Ok
// says: stdout is ""
#include <signal.h>
#include <stdio.h>
int main(void) {
    sigset_t blocked;
    int odd = 0;
    sigprocmask(SIG_SETMASK, 0, &blocked);
    for (int number = 1; number < 65; number++) {
        struct sigaction now;
        if (sigaction(number, 0, &now) == 0 && now.sa_handler != SIG_DFL) odd += printf("%d is ignored\n", number);
        if (sigismember(&blocked, number) == 1) odd += printf("%d is blocked\n", number);
    }
    return odd != 0;
}
