/* The program in the tests' images: it tells what it was started as, and behaves as told.
 *
 * Each argument `=VERB[:NUMBER]` is an order, carried out in turn; all arguments are printed.
 *   =leak:N   leave N orphans that end at once        =zombies  print how many zombies there are
 *   =stray    leave a process that sleeps for ever    =wait     print "ready", wait for a TERM
 *   =tty      tell whether stdin is a terminal        =reads    print the first line of stdin
 *   =exit:N   exit with N                             =die:N    die of signal N
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void leak(int count)
{
    for (int i = 0; i < count; i++) {
        pid_t parent = fork();
        if (parent == 0) {
            if (fork() == 0)
                usleep(20000); /* its parent is gone by then */
            _exit(0);
        }
        waitpid(parent, NULL, 0);
    }
}

static int zombies(void)
{
    int found = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *each; (each = readdir(proc));) {
        char path[300], line[400], *state;
        FILE *stat;
        snprintf(path, sizeof path, "/proc/%s/stat", each->d_name);
        if (each->d_name[0] < '0' || each->d_name[0] > '9' || !(stat = fopen(path, "r")))
            continue;
        if (fgets(line, sizeof line, stat) && (state = strrchr(line, ')')))
            found += state[2] == 'Z';
        fclose(stat);
    }
    closedir(proc);
    return found;
}

static void stray(void)
{
    if (fork() == 0) {
        setsid();
        for (;;)
            pause();
    }
}

static void term(int signum)
{
    (void)signum;
    printf("TERM\n");
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("argv: %s\n", argv[i]);
    printf("user: %d\n", (int)getuid());
    fflush(stdout);
    for (int i = 1; i < argc; i++) {
        char *number = strchr(argv[i], ':');
        int value = number ? atoi(number + 1) : 0;
        char line[200];
        if (!strncmp(argv[i], "=leak", 5))
            leak(value);
        else if (!strcmp(argv[i], "=zombies"))
            sleep(1), printf("zombies: %d\n", zombies());
        else if (!strcmp(argv[i], "=stray"))
            stray();
        else if (!strcmp(argv[i], "=tty"))
            printf("terminal: %s\n", isatty(0) ? "yes" : "no");
        else if (!strcmp(argv[i], "=reads"))
            printf("read: %s\n", fgets(line, sizeof line, stdin) ? line : "(end)\n");
        else if (!strncmp(argv[i], "=exit", 5))
            exit(value);
        else if (!strncmp(argv[i], "=die", 4))
            signal(value, SIG_DFL), fflush(stdout), kill(getpid(), value), sleep(5);
        else if (!strcmp(argv[i], "=wait")) {
            signal(SIGTERM, term);
            printf("ready\n");
            fflush(stdout);
            for (;;)
                pause();
        }
        fflush(stdout);
    }
    return 0;
}
