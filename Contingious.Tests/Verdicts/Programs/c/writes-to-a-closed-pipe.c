// expect: Signalled signal=13
#include <unistd.h>
int main(void) {
    int ends[2];
    if (pipe(ends)) return 1;
    close(ends[0]);
    return write(ends[1], "x", 1) == 1 ? 2 : 3;
}
