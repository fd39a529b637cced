// expect: MemoryLimit flags=OomKilled
// limits: memory=64m
// measured: OomKills=1 PeakMemory>=62m PeakMemory<=64m
#include <stdlib.h>
#include <string.h>
int main(void) { char *block = malloc(65 << 20); if (!block) return 1; memset(block, 1, 65 << 20); return block[9] - 1; }
