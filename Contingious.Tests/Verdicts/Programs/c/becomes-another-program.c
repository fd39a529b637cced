// expect: NonZeroExit exit=9
// says: stdout is "another\n"
#include <unistd.h>
int main(void) { execl("/bin/sh", "sh", "-c", "echo another; exit 9", (char *)0); return 1; }
