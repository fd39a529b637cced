// expect: Signalled signal=14
// limits: cpu=10s wall=60s
#include <unistd.h>
int main(void) { alarm(1); for (;;) pause(); }
