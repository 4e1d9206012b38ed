"""The exercises of the notebooks: each lays out its own stream, and grades what is in Redis."""
