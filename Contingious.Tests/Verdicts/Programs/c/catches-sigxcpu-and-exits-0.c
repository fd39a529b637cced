// expect: CpuTimeLimit
// limits: cpu=500ms wall=30s
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
static void leave(int number) { (void)number; _exit(0); }
int main(void) {
    signal(SIGXCPU, leave);
    setrlimit(RLIMIT_CPU, &(struct rlimit){1, 2});
    for (;;) ;
}
