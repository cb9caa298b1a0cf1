"""A service that leaks zombies, as many do: it starts helpers that outlive their parents.

Each helper is started through a shell that ends at once. Its child is left to PID 1, which is
this program, and this program waits only for what it started itself.
"""

import subprocess
import time

while True:
    subprocess.run(["sh", "-c", "sleep 0.1 &"], check=True)
    time.sleep(0.15)
