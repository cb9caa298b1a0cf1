"""The census: counts a node's zombies and says whose they are. For `initshim leaks`."""
