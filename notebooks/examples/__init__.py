"""Programs to copy: a worker that reads a stream as a consumer of a group, on redis-py alone."""
