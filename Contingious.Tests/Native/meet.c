/* Two parties that know a name in advance try to find each other by every means that is not the network.
     meet wait SECONDS    leaves a mark everywhere, and stays
     meet find SECONDS    looks for the marks; prints a line for each one found, and "looked" in the end */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define KEY 0x637467
#define PORT 47123

static struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0ctg-meet"};
static struct sockaddr_in loopback = {.sin_family = AF_INET};

static int try_connect(int family, void *address, socklen_t length) {
    int client = socket(family, SOCK_STREAM, 0);
    int connected = connect(client, address, length) == 0;
    close(client);
    return connected;
}

static void wait_for(double seconds) {
    int stream = socket(AF_UNIX, SOCK_STREAM, 0), server = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(stream, (void *)&abstract, sizeof abstract) || listen(stream, 5)) perror("abstract socket");
    if (bind(server, (void *)&loopback, sizeof loopback) || listen(server, 5)) perror("loopback port");
    if (shmget(KEY, 4096, IPC_CREAT | 0666) < 0) perror("shmget");
    if (semget(KEY, 1, IPC_CREAT | 0666) < 0) perror("semget");
    if (msgget(KEY, IPC_CREAT | 0666) < 0) perror("msgget");
    if (open("/dev/shm/ctg-meet", O_CREAT | O_RDWR, 0666) < 0) perror("/dev/shm");
    if (open("/tmp/ctg-meet", O_CREAT | O_RDWR, 0666) < 0) perror("/tmp");
    syscall(SYS_add_key, "user", "ctg-meet", "x", 1, -4 /* the user's keyring */);
    usleep(seconds * 1e6);
}

static void find(double seconds) {
    int seen[7] = {0};
    for (int i = 0; i < seconds * 50; i++, usleep(20000)) {
        if (!seen[0] && try_connect(AF_UNIX, &abstract, sizeof abstract)) seen[0] = puts("found: abstract socket");
        if (!seen[1] && try_connect(AF_INET, &loopback, sizeof loopback)) seen[1] = puts("found: loopback port");
        if (!seen[2] && shmget(KEY, 0, 0) >= 0) seen[2] = puts("found: shared memory");
        if (!seen[3] && semget(KEY, 0, 0) >= 0) seen[3] = puts("found: semaphore");
        if (!seen[4] && msgget(KEY, 0) >= 0) seen[4] = puts("found: message queue");
        if (!seen[5] && access("/dev/shm/ctg-meet", F_OK) == 0) seen[5] = puts("found: /dev/shm");
        if (!seen[6] && access("/tmp/ctg-meet", F_OK) == 0) seen[6] = puts("found: /tmp");
    }
    if (syscall(SYS_request_key, "user", "ctg-meet", 0, 0) >= 0) puts("found: key");
    puts("looked");
}

int main(int count, char **args) {
    if (count < 3) return 2;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    loopback.sin_port = htons(PORT);
    if (strcmp(args[1], "wait") == 0) wait_for(atof(args[2]));
    else find(atof(args[2]));
    return 0;
}
