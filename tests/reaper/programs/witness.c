/* A static witness for an empty root file system: tells each signal, ends with 42 on TERM; with an argument, exits with that code. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    sigset_t all;
    int got;
    if (argc > 1)
        return atoi(argv[1]);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    printf("ready %d %d\n", getuid(), getpid());
    fflush(stdout);
    while (sigwait(&all, &got) == 0 && got != SIGTERM) {
        printf("%d\n", got);
        fflush(stdout);
    }
    return 42;
}
