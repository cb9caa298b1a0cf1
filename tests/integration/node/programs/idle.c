/* idle: a program without any handler. */
#include <stdio.h>
#include <unistd.h>
int main(int c, char **v) { printf("idle pid %d\n", getpid()); fflush(stdout); for (;;) pause(); }
