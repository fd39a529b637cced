// expect: MemoryLimit flags=OomKilled
// limits: memory=32m
// measured: OomKills>=1 PeakMemory>=24m PeakMemory<=32m MemoryInFilesBytes<=1m
#include <stdlib.h>
#include <string.h>
int main(void) { for (;;) { char *block = malloc(1 << 20); if (!block) return 1; memset(block, 1, 1 << 20); } }
