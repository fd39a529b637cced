// expect: Ok
// says: stdout is "10 -1 -1\n"
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
int main(void) {
    int nicer = nice(10), faster = setpriority(PRIO_PROCESS, 0, -10);
    printf("%d %d %d\n", nicer, faster, sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
    return 0;
}
