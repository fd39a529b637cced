// expect: Signalled signal=11
// limits: stack=1m
// measured: OomKills=0
static int deeper(volatile char *above) { volatile char here[4096]; here[0] = above[0]; return deeper(here) + here[0]; }
int main(void) { volatile char first[1] = {1}; return deeper(first); }
