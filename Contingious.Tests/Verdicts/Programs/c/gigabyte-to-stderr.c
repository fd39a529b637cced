// expect: OutputLimit flags=StderrTruncated
// limits: cpu=30s wall=120s stderr=64k output=4m
// measured: StderrBytes>4m StdoutBytes=0
#include <unistd.h>
static char block[1 << 16];
int main(void) { for (int i = 0; i < 1 << 14; i++) if (write(2, block, sizeof block) < 0) return 1; return 0; }
