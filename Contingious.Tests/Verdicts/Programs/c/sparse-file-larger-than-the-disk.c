// A hole uses nothing.
// expect: Ok
// limits: disk=4m file=2g
#include <fcntl.h>
#include <unistd.h>
int main(void) { return ftruncate(open("sparse", O_RDWR | O_CREAT, 0600), 1 << 30); }
