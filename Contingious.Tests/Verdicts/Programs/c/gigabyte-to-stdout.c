// expect: OutputLimit flags=StdoutTruncated
// limits: cpu=30s wall=120s stdout=64k output=4m
// measured: StdoutBytes>4m
#include <unistd.h>
static char block[1 << 16];
int main(void) { for (int i = 0; i < 1 << 14; i++) if (write(1, block, sizeof block) < 0) return 1; return 0; }
