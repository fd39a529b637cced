// Itself and 63 children.
// expect: Ok
// limits: processes=64
// measured: ForksRefused=0 PeakProcesses=64
#include <unistd.h>
int main(void) { for (int i = 0; i < 63; i++) { pid_t child = fork(); if (child == 0) for (;;) pause(); if (child < 0) return 1; } return 0; }
