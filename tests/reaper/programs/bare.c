/* A program that needs no system call but those that it makes: says `ready` and sleeps, or with an argument exits with 7. */
static long call(long number, long one, long two, long three)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(one), "S"(two), "d"(three) : "rcx", "r11", "memory");
    return result;
}

__attribute__((used)) static void begin(long *stack)
{
    if (stack[0] > 1) {
        call(231, 7, 0, 0);              /* exit_group */
        call(60, 7, 0, 0);               /* exit */
        __builtin_trap();
    }
    call(20, 1, (long)(struct { const char *text; long size; }[]){{"ready\n", 6}}, 1);  /* writev */
    for (;;)
        call(34, 0, 0, 0);               /* pause */
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\nand $-16, %rsp\ncall begin\n");
