// expect: Ok
// limits: memory=64m
// measured: OomKills=0 PeakMemory>=40m PeakMemory<=64m
#include <stdlib.h>
#include <string.h>
int main(void) { char *block = malloc(44 << 20); if (!block) return 1; memset(block, 1, 44 << 20); return block[5] - 1; }
