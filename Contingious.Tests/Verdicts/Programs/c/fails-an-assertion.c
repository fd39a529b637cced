// expect: Signalled signal=6
// says: stderr contains "Assertion `argc == 17' failed"
#include <assert.h>
int main(int argc, char **argv) { (void)argv; assert(argc == 17); }
