"""Says whether its group is the terminal's foreground group."""

import os

print("foreground", os.tcgetpgrp(0) == os.getpgrp())
