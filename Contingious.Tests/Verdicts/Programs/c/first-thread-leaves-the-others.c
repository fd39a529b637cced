// The group's first thread is a zombie while the rest goes on.
// expect: NonZeroExit exit=4
// says: stdout is "still here\n"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void *stay(void *none) { usleep(200000); puts("still here"); exit(4); return none; }
int main(void) { pthread_t thread; pthread_create(&thread, 0, stay, 0); pthread_exit(0); }
