/*
 * The first process of a sandbox's container: it waits to be told a command, runs it, and reports the kernel's own word on how it ended.
 *
 * usage: init SOCKET
 *        init join LOG FILE... -- PROGRAM ARGUMENT...
 *
 * The second form is outside of any container: it joins a cgroup by each FILE and becomes the program, so that no process is left between.
 *
 * It connects the unix socket, says READY, and reads one `struct order` with what follows it: whose the command is, what it may use, its
 * working directory, arguments and environment, as bytes. The command becomes a child with nothing of ours left: no capability that was
 * not ordered, no descriptor but 0, 1 and 2, every signal at its default. Then it reports, as `struct report`:
 *
 *   READY                   the socket is connected; nothing has run
 *   STARTED  time           right before the command's execve, which succeeded
 *   FAILED   stage errno    the command could not be started
 *   ENDED    code status    how the command ended, as waitid(2) has it, and when
 *   QUIET                   everything else in the container is dead too
 *
 * Anything that comes on the socket after the order, its end included, means: kill everything. So a container never outlives whoever
 * watches it. After QUIET it stays until the socket ends, so that the counters of the cgroup can be read at rest.
 *
 * Before that it bounds what the kernel counts for each user namespace, of which the container's is one: namespaces to none, and inotify to a
 * share, since what is used here counts for the account that all sandboxes belong to as well (namespaces(7), /proc/sys/user).
 *
 * It is not dumpable, runs as the container's root and, as process 1 of its pid namespace, takes no signal from inside: the command, as
 * another user, can neither kill nor trace it, nor reach its socket. Times are CLOCK_MONOTONIC in nanoseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROTOCOL = 1, MAX_BODY = 4 << 20, MAX_STRINGS = 1 << 16, BAD_START = 125 };

enum kind { READY = 1, STARTED, FAILED, ENDED, QUIET };

enum stage { STAGE_ORDER = 1, STAGE_FORK, STAGE_LIMITS, STAGE_USER, STAGE_DIRECTORY, STAGE_EXEC, STAGE_INTERPRETER, STAGE_FILTER };

struct order {
    uint32_t protocol;
    uint32_t body;    /* bytes that follow */
    uint32_t uid, gid;
    uint64_t capabilities;
    uint32_t groups;  /* so many uint32_t first, */
    uint32_t limits;  /* then so many struct limit, */
    uint32_t args;    /* then the working directory and so many arguments, */
    uint32_t env;     /* then so many variables; each with a NUL behind it */
};

struct limit {
    uint32_t resource, reserved;
    uint64_t value;
};

struct report {
    uint32_t kind;
    int32_t stage;  /* FAILED: a stage; ENDED: si_code */
    int32_t status; /* FAILED: errno;   ENDED: si_status */
    uint32_t reserved;
    uint64_t time;
};

static int agent = -1;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void report(enum kind kind, int stage, int status, uint64_t time)
{
    struct report message = { .kind = kind, .stage = stage, .status = status, .time = time };
    /* One write: the socket holds only a few of these. Nobody is there to tell of a failure. */
    (void)!send(agent, &message, sizeof message, MSG_NOSIGNAL);
}

static int read_all(int fd, void *into, size_t length)
{
    for (ssize_t got; length > 0; length -= (size_t)got, into = (char *)into + got)
        if ((got = read(fd, into, length)) <= 0) return -1;
    return 0;
}

static int connect_agent(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) return -1;
    strcpy(address.sun_path, path);
    agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return agent < 0 ? -1 : connect(agent, (struct sockaddr *)&address, sizeof address);
}

/* Takes `count` strings from the body: an array with a NULL behind the last one, or NULL where they are not all there. */
static char **take_strings(char **at, const char *end, uint32_t count)
{
    char **strings = count <= MAX_STRINGS ? calloc((size_t)count + 1, sizeof *strings) : NULL;
    if (!strings) return NULL;
    for (uint32_t i = 0; i < count; i++) {
        char *nul = memchr(*at, 0, (size_t)(end - *at));
        if (!nul) return NULL;
        strings[i] = *at;
        *at = nul + 1;
    }
    return strings;
}

/* What is not there, or cannot be set, is as it was: no reason not to run. */
static void bound_namespace(void)
{
    static const char *const bounds[][2] = {
        { "/proc/sys/user/max_inotify_instances", "16" }, { "/proc/sys/user/max_inotify_watches", "8192" },
        { "/proc/sys/user/max_user_namespaces", "0" },    { "/proc/sys/user/max_fanotify_groups", "0" },
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        int file = open(bounds[i][0], O_WRONLY | O_CLOEXEC);
        (void)!write(file, bounds[i][1], strlen(bounds[i][1]));
        close(file);
    }
}

static int set_limits(const char *limits, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct limit limit;
        memcpy(&limit, limits + i * sizeof limit, sizeof limit);
        struct rlimit value = { limit.value, limit.value };
        if (setrlimit((int)limit.resource, &value) < 0) return -1;
    }
    return 0;
}

static int become_user(const struct order *order, const gid_t *groups)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2] = { { 0 } };
    for (int i = 0; i < 2; i++) sets[i].permitted = sets[i].effective = (uint32_t)(order->capabilities >> (32 * i));
    /* The bounding set ends, with EINVAL, where the kernel's capabilities end. */
    for (int i = 0; i < 64; i++)
        if (!(order->capabilities >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL) return -1;
    if (setgroups(order->groups, groups) < 0 || setresgid(order->gid, order->gid, order->gid) < 0) return -1;
    if (setresuid(order->uid, order->uid, order->uid) < 0) return -1;
    return (int)syscall(SYS_capset, &header, sets) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : 0;
}

/* As execvpe(3), but a file that is no program is not handed to a shell. errno is that of the best candidate. */
static int execute(char **args, char **env)
{
    const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    int best = ENOENT;
    struct stat there;
    for (char **variable = env; *variable; variable++)
        if (strncmp(*variable, "PATH=", 5) == 0) path = *variable + 5;
    if (strchr(args[0], '/')) {
        execve(args[0], args, env);
        return errno == ENOENT && stat(args[0], &there) == 0 ? -errno : errno;
    }
    for (const char *next = path; next; next = strchr(next, ':') ? strchr(next, ':') + 1 : NULL) {
        char candidate[4096 + 256];
        size_t length = strcspn(next, ":");
        if (length + strlen(args[0]) + 2 > sizeof candidate) continue;
        memcpy(candidate, next, length);
        candidate[length] = 0;
        if (length > 0) strcat(candidate, "/");
        strcat(candidate, args[0]);
        execve(candidate, args, env);
        if (errno == ENOENT && stat(candidate, &there) == 0) return -ENOENT;
        if (errno == EACCES) best = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return errno;
    }
    return best;
}

static void fail(int pipe, enum stage stage, int error)
{
    struct report message = { .kind = FAILED, .stage = stage, .status = error };
    _exit(write(pipe, &message, sizeof message) < 0 ? BAD_START + 1 : BAD_START);
}

/* The child: from here on as the command itself. Says its start on the pipe, which its exec closes. */
static void run(const struct order *order, char *body, const char *end, int pipe)
{
    const gid_t *groups = (const gid_t *)body;
    const char *limits = body + order->groups * sizeof(gid_t);
    char *at = body + order->groups * sizeof(gid_t) + order->limits * sizeof(struct limit);
    char **directory = take_strings(&at, end, 1);
    char **args = directory ? take_strings(&at, end, order->args) : NULL;
    char **env = args ? take_strings(&at, end, order->env) : NULL;
    if (!env || order->args == 0) fail(pipe, STAGE_ORDER, EINVAL);

    setsid();
    umask(022);
    for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    /* Where memory runs out, the command is to go and not those who watch it. */
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    (void)!write(score, "1000", 4);
    close(score);

    if (set_limits(limits, order->limits) < 0) fail(pipe, STAGE_LIMITS, errno);
    if (become_user(order, groups) < 0) fail(pipe, STAGE_USER, errno);
    if (chdir(directory[0]) < 0) fail(pipe, STAGE_DIRECTORY, errno);

    struct report started = { .kind = STARTED, .time = now() };
    if (write(pipe, &started, sizeof started) < 0) _exit(BAD_START);
    int error = execute(args, env);
    if (error < 0) fail(pipe, STAGE_INTERPRETER, -error);
    fail(pipe, STAGE_EXEC, error);
}

/* Starts the command and says so. Its pid, or -1 where it was not started. */
static pid_t start(void)
{
    struct order order;
    int pipes[2];
    if (read_all(agent, &order, sizeof order) < 0) exit(0);
    char *body = order.protocol == PROTOCOL && order.body <= MAX_BODY ? malloc(order.body + 1) : NULL;
    uint64_t tables = (uint64_t)order.groups * sizeof(gid_t) + (uint64_t)order.limits * sizeof(struct limit);
    if (!body || read_all(agent, body, order.body) < 0 || tables > order.body || pipe2(pipes, O_CLOEXEC) < 0) {
        report(FAILED, STAGE_ORDER, EPROTO, now());
        return -1;
    }

    pid_t child = fork();
    if (child == 0) run(&order, body, body + order.body, pipes[1]);
    int fork_error = errno;
    close(pipes[1]);
    free(body);

    /* The command's streams are its own: their end must be seen though we live on. */
    for (int fd = 0; fd <= 2; fd++) close(fd);
    struct report first = { .kind = FAILED, .stage = STAGE_FORK, .status = fork_error }, second;
    if (child > 0 && read_all(pipes[0], &first, sizeof first) == 0 && first.kind == STARTED && read_all(pipes[0], &second, sizeof second) == 0) first = second;
    close(pipes[0]);
    report(first.kind, first.stage, first.status, first.time);
    return first.kind == STARTED ? child : -1;
}

/* Writing 0 means the writer itself (cgroups(7)). A gate is a FIFO: the program begins with a byte of it, and never where it ends without. */
static int join(const char *log, const char *gate, char **words)
{
    const char *fault = "cannot join";
    char byte;
    for (; *words && strcmp(*words, "--") != 0; words++) {
        int file = open(*words, O_WRONLY | O_CLOEXEC);
        if (file < 0 || write(file, "0", 1) != 1) goto failed;
        close(file);
    }

    /* Not blocking: where whoever holds the other end has died already, an open that waits for one would wait for ever. */
    struct pollfd waiting = { .fd = *gate ? open(gate, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1, .events = POLLIN };
    ssize_t passed = *gate ? -1 : 1;
    while (waiting.fd >= 0 && (passed = read(waiting.fd, &byte, 1)) < 0 && (errno == EAGAIN || errno == EINTR)) poll(&waiting, 1, -1);
    if (passed != 1) return BAD_START;
    if (*words && *++words) {
        fault = "cannot execute";
        execvp(*words, words);
    }
failed:;
    int error = errno, complaint = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (complaint >= 0) dprintf(complaint, "%s %s: %s\n", fault, *words ? *words : "nothing", strerror(error));
    return BAD_START;
}

int main(int argc, char **argv)
{
    if (argc > 4 && strcmp(argv[1], "join") == 0) return join(argv[2], argv[3], argv + 4);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    sigprocmask(SIG_BLOCK, &children, NULL);
    int events = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (argc != 2 || getpid() != 1 || events < 0 || connect_agent(argv[1]) < 0) return BAD_START;
    /* Whatever the runtime was told: without a filter of system calls nothing is run. */
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER) {
        report(FAILED, STAGE_FILTER, 0, now());
        return BAD_START;
    }

    bound_namespace();
    report(READY, 0, 0, now());

    pid_t command = start();
    int killing = command < 0, quiet = 0;
    while (1) {
        struct signalfd_siginfo event;
        struct pollfd wait[2] = { { .fd = events, .events = POLLIN }, { .fd = agent, .events = POLLIN } };
        siginfo_t ended;

        while (read(events, &event, sizeof event) > 0);
        while (memset(&ended, 0, sizeof ended), waitid(P_ALL, 0, &ended, WEXITED | WNOHANG) == 0 && ended.si_pid != 0) {
            if (ended.si_pid != command) continue;
            report(ENDED, ended.si_code, ended.si_status, now());
            killing = 1;
        }

        /* Every process of the namespace but this one, at once: none can fork away (kill(2)). A later one came from outside. */
        if (killing) kill(-1, SIGKILL);
        if (killing && !quiet && waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD) {
            report(QUIET, 0, 0, now());
            quiet = 1;
        }

        if (poll(wait, 2, -1) < 0 && errno != EINTR) return BAD_START;
        if (wait[1].revents && quiet) return 0;
        char order;
        if (wait[1].revents && read(agent, &order, 1) <= 0) return 0;
        if (wait[1].revents) killing = 1;
    }
}
