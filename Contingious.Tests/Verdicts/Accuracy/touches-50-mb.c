#include <stdlib.h>
#include <string.h>
int main(void) { char *block = malloc(50 << 20); if (!block) return 1; memset(block, 1, 50 << 20); return block[9] - 1; }
