/* One system call of another architecture's table: "foreign i386" or "foreign x32". Prints its result, where it returns. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **args) {
    long result = -1;
    if (count < 2) return 2;
#ifdef __x86_64__
    if (strcmp(args[1], "i386") == 0) __asm__ volatile("int $0x80" : "=a"(result) : "a"(20 /* getpid */) : "memory");
    else result = syscall(0x40000000 | 39 /* getpid */);
#endif
    printf("%s %ld %d\n", args[1], result, errno);
    return 0;
}
