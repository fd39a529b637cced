/* What ordinary programs do, by way of the C library: built with glibc and with musl, it must not notice the sandbox's filter.
   Prints a line for each thing that failed, and "all well" where none did. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <sys/rseq.h>
#endif

static int failures;

static void check(const char *what, int holds) {
    if (holds) return;
    printf("FAILED %s: %s\n", what, strerror(errno));
    failures++;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int counter;

static void *count(void *unused) {
    for (int i = 0; i < 10000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void threads(void) {
    pthread_t all[4];
    for (int i = 0; i < 4; i++) check("pthread_create", pthread_create(&all[i], 0, count, 0) == 0);
    for (int i = 0; i < 4; i++) check("pthread_join", pthread_join(all[i], 0) == 0);
    check("a mutex between threads", counter == 40000);
#ifdef __GLIBC__
    struct rseq *rseq = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
    check("rseq was registered by the C library", __rseq_size > 0 && (int)rseq->cpu_id >= 0);
#endif
    cpu_set_t cpus;
    check("sched_getaffinity", sched_getaffinity(0, sizeof cpus, &cpus) == 0);
    check("sched_setaffinity", sched_setaffinity(0, sizeof cpus, &cpus) == 0);
    check("membarrier", syscall(SYS_membarrier, 0, 0, 0) >= 0);
    check("sched_setscheduler to batch", syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &(struct sched_param){0}) == 0);
}

static int exit_code_of(pid_t pid) {
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void processes(void) {
    pid_t pid = fork();
    if (pid == 0) _exit(7);
    check("fork", exit_code_of(pid) == 7);
    char *args[] = {"sh", "-c", "exit 8", 0};
    check("posix_spawn", posix_spawn(&pid, "/bin/sh", 0, 0, args, 0) == 0 && exit_code_of(pid) == 8);
    check("system", WEXITSTATUS(system("exit 9")) == 9);
    FILE *echo = popen("echo popen", "r");
    char line[16] = "";
    check("popen", echo && fgets(line, sizeof line, echo) && strcmp(line, "popen\n") == 0 && pclose(echo) == 0);
    int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
    check("pidfd_open and pidfd_send_signal", pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, 0, 0, 0) == 0);
    check("close_range", syscall(SYS_close_range, 700, 800, 0) == 0);
    struct rlimit limit;
    check("getrlimit", getrlimit(RLIMIT_NOFILE, &limit) == 0);
    check("setrlimit", setrlimit(RLIMIT_NOFILE, &limit) == 0);
    check("prctl", prctl(PR_SET_NAME, "ordinary") == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    check("setpriority", setpriority(PRIO_PROCESS, 0, 5) == 0);
}

static void files(void) {
    struct stat status;
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    int file = open("ordinary-file", O_RDWR | O_CREAT | O_TRUNC, 0666);
    check("open and write", file >= 0 && write(file, "hello", 5) == 5);
    check("faccessat with AT_EACCESS", faccessat(AT_FDCWD, "ordinary-file", R_OK, AT_EACCESS) == 0);
    char buffer[256];
    check("statx", syscall(SYS_statx, AT_FDCWD, "ordinary-file", 0, 0x7ff, buffer) == 0);
    check("fstatat", fstatat(AT_FDCWD, "ordinary-file", &status, 0) == 0 && status.st_size == 5);
    check("fchmodat", fchmodat(AT_FDCWD, "ordinary-file", 0640, 0) == 0);
    check("utimensat", utimensat(AT_FDCWD, "ordinary-file", times, 0) == 0);
    check("flock", flock(file, LOCK_EX) == 0 && flock(file, LOCK_UN) == 0);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    check("fcntl F_SETLK", fcntl(file, F_SETLK, &lock) == 0);
    check("fcntl F_GETLK", fcntl(file, F_GETLK, &lock) == 0);
    check("fallocate", posix_fallocate(file, 0, 4096) == 0);
    check("fsync and sync", fsync(file) == 0 && fdatasync(file) == 0 && syscall(SYS_syncfs, file) == 0);
    sync();
    int copy = open("ordinary-copy", O_RDWR | O_CREAT | O_TRUNC, 0666);
    off_t from = 0;
    check("sendfile", sendfile(copy, file, &from, 5) == 5);
    loff_t start = 0;
    check("copy_file_range", syscall(SYS_copy_file_range, file, &start, copy, 0, 5, 0) == 5);
    struct iovec piece = {buffer, 5};
    check("preadv", syscall(SYS_preadv, file, &piece, 1, 0, 0) == 5);
    check("mkfifo", mkfifo("ordinary-fifo", 0600) == 0);
    check("rename", rename("ordinary-copy", "ordinary-renamed") == 0);
    check("symlink and link", symlink("x", "ordinary-link") == 0 && link("ordinary-file", "ordinary-hard") == 0);
    int memory = syscall(SYS_memfd_create, "x", 1);
    check("memfd_create and mmap", memory >= 0 && ftruncate(memory, 8192) == 0 && mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0) != MAP_FAILED);
    int watch = inotify_init1(IN_CLOEXEC);
    check("inotify", inotify_add_watch(watch, ".", IN_CREATE | IN_MODIFY | IN_DELETE | IN_MOVE | IN_ATTRIB | IN_CLOSE_WRITE) >= 0);
}

static void descriptors(void) {
    char byte;
    check("getrandom", getrandom(&byte, 1, 0) == 1);
    int event = eventfd(1, EFD_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, 0), poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ready = {.events = EPOLLIN};
    check("eventfd and epoll", epoll_ctl(poll, EPOLL_CTL_ADD, event, &ready) == 0 && epoll_wait(poll, &ready, 1, 1000) == 1);
    struct itimerspec soon = {.it_value.tv_nsec = 1000};
    unsigned long ticks;
    check("timerfd", timerfd_settime(timer, 0, &soon, 0) == 0 && read(timer, &ticks, sizeof ticks) == sizeof ticks);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, 0);
    int signal_fd = signalfd(-1, &signals, 0);
    struct signalfd_siginfo info;
    check("signalfd", raise(SIGUSR1) == 0 && read(signal_fd, &info, sizeof info) == sizeof info);
    int ends[2];
    check("pipe2 and F_SETPIPE_SZ", pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETPIPE_SZ, 65536) == 65536);
    timer_t posix_timer;
    struct sigevent nothing = {.sigev_notify = SIGEV_NONE};
    check("timer_create", timer_create(CLOCK_MONOTONIC, &nothing, &posix_timer) == 0);
    struct timespec moment = {.tv_nsec = 1000};
    check("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &moment, 0) == 0);
    /* A terminal: the ioctl's number has its highest bit set, and musl extends the sign. */
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    char *name = master < 0 || grantpt(master) || unlockpt(master) ? 0 : ptsname(master);
    int terminal = name ? open(name, O_RDWR | O_NOCTTY) : -1;
    struct termios modes;
    struct winsize size;
    check("a pseudo terminal", terminal >= 0 && tcgetattr(terminal, &modes) == 0 && ioctl(terminal, TIOCGWINSZ, &size) == 0);
}

static void between_processes(void) {
    int shared = shm_open("/ordinary", O_RDWR | O_CREAT, 0600);
    check("shm_open", shared >= 0 && ftruncate(shared, 4096) == 0);
    sem_t *semaphore = sem_open("/ordinary-semaphore", O_CREAT, 0600, 1);
    check("sem_open", semaphore != SEM_FAILED && sem_wait(semaphore) == 0);
    int segment = shmget(IPC_PRIVATE, 4096, 0600);
    check("shmget and shmat", segment >= 0 && shmat(segment, 0, 0) != (void *)-1 && shmctl(segment, IPC_RMID, 0) == 0);
    int pair[2];
    check("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    check("a loopback server", bind(server, (void *)&address, length) == 0 && listen(server, 1) == 0 && getsockname(server, (void *)&address, &length) == 0);
    check("a loopback client", connect(client, (void *)&address, length) == 0 && accept4(server, 0, 0, SOCK_CLOEXEC) >= 0);
    struct ifaddrs *interfaces;
    check("getifaddrs, by netlink", getifaddrs(&interfaces) == 0 && interfaces);
}

int main(void) {
    threads();
    processes();
    files();
    descriptors();
    between_processes();
    if (!failures) puts("all well");
    return failures != 0;
}
