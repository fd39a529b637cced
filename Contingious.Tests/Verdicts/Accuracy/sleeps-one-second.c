#include <time.h>
int main(void) { return nanosleep(&(struct timespec){1, 0}, 0); }
