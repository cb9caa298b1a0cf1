"""From settings to what works: engine, resolver, certificates, warm-up; for server and cli."""
