// The stack ends long before the memory does.
// expect: Signalled signal=11
#include <sys/resource.h>
static int deeper(volatile char *above) { volatile char here[4096]; here[0] = above[0]; return deeper(here) + here[0]; }
int main(void) {
    volatile char first[1] = {1};
    setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, 1 << 20});
    return deeper(first);
}
