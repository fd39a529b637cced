/* "greedy take SECONDS" uses up what the kernel counts by user, and stays; "greedy ask SECONDS" says, after that time, what is left of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **args) {
    if (count < 3) return 2;
    int seconds = atoi(args[2]), ends[2];
    if (strcmp(args[1], "take") == 0) {
        /* 4 processes of 450 pipes each: more than fs.pipe-user-pages-soft (16384 pages) allows at 16 pages a pipe. */
        int instances = 0;
        while (inotify_init() >= 0) instances++;
        printf("inotify instances: %d\n", instances);
        fflush(stdout);
        for (int i = 3; i < 1024; i++) close(i);
        for (int i = 0; i < 4 && fork() != 0; i++) {}
        for (int i = 0; i < 450 && pipe(ends) == 0; i++) {}
        for (int i = 0; i < 100 && inotify_init() >= 0; i++) {}
        printf("size of the last pipe: %d\n", fcntl(ends[0], F_GETPIPE_SZ));
        fflush(stdout);
        sleep(seconds);
        while (wait(0) > 0) {}
        return 0;
    }

    sleep(seconds);
    if (pipe(ends)) perror("pipe");
    printf("pipe %d\n", fcntl(ends[0], F_GETPIPE_SZ));
    printf("larger pipe %d\n", fcntl(ends[0], F_SETPIPE_SZ, 1 << 20));
    printf("inotify %s\n", inotify_init() >= 0 ? "ok" : strerror(errno));
    return 0;
}
