/* Two sandboxes over one read-only file: can a bit pass from one to the other?
     channels hold FILE SECONDS      does to FILE whatever a neighbour might notice, and keeps doing it
     channels look FILE SECONDS      prints a line for each thing that it noticed, and "looked" in the end
     channels rate FILE SECONDS      how many bits posix locks carry in that time, from one process to another
   Every way of noticing is tried for the whole time: the two need not start together. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int open_file(const char *path) {
    int file = open(path, O_RDONLY);
    if (file >= 0) return file;
    perror(path);
    exit(2);
}

static struct flock whole(short type) { return (struct flock){.l_type = type, .l_whence = SEEK_SET}; }

static void hold(const char *path, double seconds) {
    int file = open_file(path), posix = open_file(path), ofd = open_file(path), leased = open_file(path);
    struct flock read_lock = whole(F_RDLCK), first = whole(F_RDLCK);
    first.l_len = 1;
    if (flock(file, LOCK_EX | LOCK_NB) != 0) perror("flock");
    if (fcntl(posix, F_SETLK, &first) != 0) perror("F_SETLK");
    read_lock.l_start = 10;
    if (fcntl(ofd, F_OFD_SETLK, &read_lock) != 0) perror("F_OFD_SETLK");
    struct flock write_lock = whole(F_WRLCK);
    printf("write lock: %s\n", fcntl(posix, F_SETLK, &write_lock) == 0 ? "taken" : strerror(errno));
    printf("lease: %s\n", fcntl(leased, F_SETLEASE, F_RDLCK) == 0 ? "taken" : strerror(errno));
    puts("holding");
    fflush(stdout);
    char byte;
    /* A process of its own: to close any descriptor of a file gives up the posix locks that the process has on it. */
    pid_t reader = fork();
    for (double end = now() + seconds; now() < end; usleep(20000)) {
        if (reader != 0) continue;
        int again = open(path, O_RDONLY);
        if (read(again, &byte, 1) != 1) perror("read");
        close(again);
    }
}

static int is_locked(int file, int command, off_t start) {
    struct flock lock = whole(F_WRLCK);
    lock.l_start = start;
    lock.l_len = 1;
    return fcntl(file, command, &lock) == 0 && lock.l_type != F_UNLCK;
}

static volatile sig_atomic_t notified;
static void on_notify(int signal) { notified = signal; }

static void look(const char *path, double seconds) {
    int file = open_file(path), watch = inotify_init1(IN_NONBLOCK), directory;
    char folder[256];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    int flock_seen = 0, posix_seen = 0, ofd_seen = 0, inotify_seen = 0, atime_seen = 0, locks_seen = 0;
    if (inotify_add_watch(watch, path, IN_ALL_EVENTS) < 0) printf("inotify for reads: %s\n", strerror(errno));
    if (inotify_add_watch(watch, path, IN_ALL_EVENTS & ~(IN_ACCESS | IN_OPEN | IN_CLOSE_NOWRITE)) < 0) printf("inotify for writes: %s\n", strerror(errno));
    signal(SIGIO, on_notify);
    directory = open(folder, O_RDONLY | O_DIRECTORY);
    if (fcntl(directory, 1026 /* F_NOTIFY */, 0x80000001 /* DN_MULTISHOT | DN_ACCESS */) != 0) printf("dnotify: %s\n", strerror(errno));
    struct stat before, after;
    fstat(file, &before);
    char buffer[4096];
    struct iovec piece = {buffer, 1};
    if (syscall(SYS_preadv2, file, &piece, 1, 0, 0, 8 /* RWF_NOWAIT */) < 0) printf("preadv2: %s\n", strerror(errno));
    else puts("seen: preadv2 tells what is in the page cache");
    for (double end = now() + seconds; now() < end; usleep(5000)) {
        if (!flock_seen && flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) flock_seen = puts("seen: flock");
        flock(file, LOCK_UN);
        if (!posix_seen && is_locked(file, F_GETLK, 0)) posix_seen = puts("seen: posix lock");
        if (!ofd_seen && is_locked(file, F_OFD_GETLK, 10)) ofd_seen = puts("seen: ofd lock");
        if (!inotify_seen && read(watch, buffer, sizeof buffer) > 0) inotify_seen = puts("seen: inotify");
        if (!atime_seen && fstat(file, &after) == 0 && memcmp(&before.st_atim, &after.st_atim, sizeof before.st_atim) != 0) atime_seen = puts("seen: access time");
        int locks = open("/proc/locks", O_RDONLY);
        ssize_t length = read(locks, buffer, sizeof buffer - 1);
        close(locks);
        if (!locks_seen && length > 0) locks_seen = puts("seen: /proc/locks");
    }
    if (notified) puts("seen: dnotify");
    puts("looked");
}

static void set_lock(int file, off_t byte, int held) {
    struct flock lock = {.l_type = held ? F_RDLCK : F_UNLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    fcntl(file, F_SETLK, &lock);
}

static int bit_of(long index) { return ((unsigned long)index * 2654435761u >> 16) & 1; }

/* Bits by read locks on three bytes, which the other end asks about: the bit itself, "there is one", "I have it". */
static void rate(const char *path, double seconds) {
    enum { DATA, CLOCK, TAKEN };
    double end = now() + seconds;
    pid_t sender = fork();
    int file = open_file(path);
    long count = 0, right = 0;
    for (; now() < end; count++) {
        int phase = ~count & 1;
        if (sender == 0) {
            set_lock(file, DATA, bit_of(count));
            set_lock(file, CLOCK, phase);
            while (is_locked(file, F_GETLK, TAKEN) != phase && now() < end) sched_yield();
        } else {
            while (is_locked(file, F_GETLK, CLOCK) != phase && now() < end) sched_yield();
            right += is_locked(file, F_GETLK, DATA) == bit_of(count);
            set_lock(file, TAKEN, phase);
        }
    }
    if (sender == 0) _exit(0);
    printf("%ld bits in %g s, %ld of them right\n", count, seconds, right);
}

int main(int count, char **args) {
    if (count < 4) return 2;
    double seconds = atof(args[3]);
    if (strcmp(args[1], "hold") == 0) hold(args[2], seconds);
    else if (strcmp(args[1], "look") == 0) look(args[2], seconds);
    else rate(args[2], seconds);
    return 0;
}
