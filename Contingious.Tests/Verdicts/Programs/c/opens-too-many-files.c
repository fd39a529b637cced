// expect: NonZeroExit exit=24
// limits: files=64
#include <errno.h>
#include <fcntl.h>
int main(void) { for (;;) if (open("/dev/null", O_RDONLY) < 0) return errno; }
