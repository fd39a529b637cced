// Ours is far away: this end is its own doing.
// expect: Signalled signal=24
// limits: cpu=10s wall=60s
#include <sys/resource.h>
int main(void) { setrlimit(RLIMIT_CPU, &(struct rlimit){1, 1 + 1}); for (;;) ; }
