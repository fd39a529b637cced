// A full pipe at the end is read to its last byte.
// expect: Ok
// limits: cpu=10s wall=30s
// measured: StdoutBytes=65536 StderrBytes=65536
#include <unistd.h>
static char block[1 << 16];
int main(void) { if (write(1, block, sizeof block) < 0) _exit(1); if (write(2, block, sizeof block) < 0) _exit(2); _exit(0); }
