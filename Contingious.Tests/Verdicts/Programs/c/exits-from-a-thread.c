// expect: NonZeroExit exit=5
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *leave(void *none) { exit(5); return none; }
int main(void) { pthread_t thread; pthread_create(&thread, 0, leave, 0); for (;;) pause(); }
