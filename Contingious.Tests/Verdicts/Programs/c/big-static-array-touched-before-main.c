// expect: MemoryLimit flags=OomKilled
// limits: memory=32m
// measured: OomKills>=1
#include <string.h>
static char big[200 << 20];
__attribute__((constructor)) static void touch(void) { memset(big, 1, sizeof big); }
int main(void) { return big[7]; }
