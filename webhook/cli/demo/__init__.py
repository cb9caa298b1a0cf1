"""`initshim demo`: zombies without initshim and none with it, on this machine alone."""
