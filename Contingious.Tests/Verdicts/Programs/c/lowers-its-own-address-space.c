// Its own limit, not ours: the allocation fails and the program says so.
// expect: NonZeroExit exit=12
// limits: memory=64m
// measured: OomKills=0
#include <stdlib.h>
#include <sys/resource.h>
int main(void) {
    setrlimit(RLIMIT_AS, &(struct rlimit){16 << 20, 16 << 20});
    char *volatile block = malloc(32 << 20);
    return block ? 0 : 12;
}
