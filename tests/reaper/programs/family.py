"""Three that tell their signals: the program, one of its group, a daemon of its own session."""

import os
import signal

TELL = {signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, TELL)
ready, told = os.pipe()


def watch(name: str) -> None:
    os.write(told, b".")
    while True:
        number = signal.sigwait(TELL)
        os.write(1, f"{name} {int(number)}\n".encode())


if not os.fork():
    watch("group")
if not os.fork():
    os.setsid()
    watch("session")
for _ in range(2):
    os.read(ready, 1)
print("ready", flush=True)
watch("main")
