/* Uses up one thing that the kernel gives: "exhaust WHAT MEBIBYTES". It stops by itself there, so that a limit that does not hold harms nobody. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t MIB = 1 << 20;
static char block[1 << 20];

static int refused(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

/* Fills what 16 processes can open of it, and holds it. */
static int buffers(int sockets)
{
    for (int i = 0; i < 15 && fork() > 0; i++);
    for (int i = 0, ends[2]; i < 450; i++) {
        if (sockets ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) break;
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        while (write(ends[1], block, 4096) > 0);
    }
    sleep(2);
    while (wait(0) > 0);
    return 0;
}

/* Reads of memory that nobody wrote take no memory but the tables of a page for each 2 MiB. */
static int page_tables(size_t mebibytes)
{
    size_t length = mebibytes * MIB / 4096 * 2 * MIB;
    volatile char *at = mmap(0, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return refused("mmap");
    madvise((void *)at, length, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < length; i += 2 * MIB) (void)at[i];
    return 0;
}

static int names(long count)
{
    char name[64];
    struct stat status;
    for (long i = 0; i < count; i++) {
        snprintf(name, sizeof name, "a-name-that-is-not-there-and-is-remembered-%ld", i);
        (void)!stat(name, &status);
    }
    return 0;
}

static int fill(int file)
{
    for (size_t done = 0; done < MIB;) {
        ssize_t put = write(file, block + done, MIB - done);
        if (put < 0) return -1;
        done += (size_t)put;
    }
    return 0;
}

static int files(const char *what, int mebibytes)
{
    char name[64];
    for (int i = 0; i < mebibytes; i++) {
        snprintf(name, sizeof name, "file-%d", i / 16);
        int file = open(name, O_CREAT | O_WRONLY | O_APPEND, 0600);
        if (file < 0) return refused("open");
        if (strcmp(what, "deleted") == 0) unlink(name);
        if (strcmp(what, "fallocate") == 0 ? fallocate(file, 0, (i % 16) * (off_t)MIB, MIB) < 0 : fill(file) < 0) return refused(what);
        if (strcmp(what, "deleted") != 0) close(file);
    }
    return 0;
}

static int deep(int count)
{
    for (int i = 0; i < count; i++)
        if (mkdir("d", 0700) || chdir("d")) return refused("deep");
    return 0;
}

int main(int count, char **args)
{
    if (count < 3) return 2;
    const char *what = args[1];
    int mebibytes = atoi(args[2]), result = 2;
    memset(block, 'x', sizeof block);
    if (strcmp(what, "pipes") == 0 || strcmp(what, "sockets") == 0) result = buffers(what[0] == 's');
    else if (strcmp(what, "page-tables") == 0) result = page_tables((size_t)mebibytes);
    else if (strcmp(what, "names") == 0) result = names(mebibytes * 4096L);
    else if (strcmp(what, "deep") == 0) result = deep(mebibytes);
    else if (strcmp(what, "bytes") == 0) for (long i = 0; i < mebibytes * (long)MIB; i++) (void)!write(1 + (i & 1), "x", 1);
    else if (strcmp(what, "flock") == 0) {
        int one = open("lock", O_CREAT | O_RDWR, 0600), other = open("lock", O_RDWR);
        flock(one, LOCK_EX);
        flock(other, LOCK_EX);
    }
    else result = files(what, mebibytes);
    printf("%s: %s\n", what, result ? "refused" : "done");
    fflush(stdout);
    if (count > 3) sleep((unsigned)atoi(args[3]));
    return result;
}
