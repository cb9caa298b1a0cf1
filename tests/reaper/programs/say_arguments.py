"""Says its arguments in hexadecimal, one a line."""

import os
import sys

for word in sys.argv[1:]:
    print(os.fsencode(word).hex())
