// expect: Ok
// limits: memory=32m
// measured: PeakMemory<=16m
#include <stdlib.h>
int main(void) { char *volatile big = malloc(1 << 30); return big == 0; }
