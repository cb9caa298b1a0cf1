/* What the benchmark of the reaper runs behind an init, and the watch that is held to it.
 *
 *   probe latency        for each SIGTERM: write the time at which it came (8 bytes, ns) to stdout
 *   probe leak COUNT     leave COUNT orphans behind, then wait for a TERM
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int latency(void)
{
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    write(1, "ready", 5);
    for (;;) {
        int64_t when;
        if (sigwaitinfo(&term, NULL) != SIGTERM)
            continue;
        when = now();
        if (write(1, &when, sizeof when) < 0)
            return 1;
    }
}

static int leak(int count)
{
    /* A new session is a scheduling group of its own (man 7 sched, autogroup), outside of
     * containers. dumb-init makes one for its child; so make one behind every init. A group's
     * leader can't: hence the fork. */
    if (fork())
        pause();
    setsid();
    for (int i = 0; i < count; i++) {
        pid_t parent = fork();
        if (parent == 0) {
            if (fork() == 0)
                usleep(1000);
            _exit(0);
        }
        waitpid(parent, NULL, 0);
        if (i % 200 == 199)
            usleep(2000); /* pids are few in a container */
    }
    write(1, "done", 4);
    pause();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "latency"))
        return latency();
    if (argc > 2 && !strcmp(argv[1], "leak"))
        return leak(atoi(argv[2]));
    return 2;
}
