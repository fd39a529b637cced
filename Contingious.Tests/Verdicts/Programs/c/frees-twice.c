// expect: Signalled signal=6
// says: stderr contains "double free"
#include <stdlib.h>
int main(void) { char *volatile block = malloc(32); free(block); free(block); }
