// expect: NonZeroExit exit=11 flags=ProcessLimitHit
// limits: processes=64
// measured: ForksRefused=1 PeakProcesses=64
#include <errno.h>
#include <unistd.h>
int main(void) {
    for (int i = 0; i < 63; i++) { pid_t child = fork(); if (child == 0) for (;;) pause(); if (child < 0) return 1; }
    return fork() < 0 ? errno : 0;
}
