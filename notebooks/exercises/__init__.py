"""The exercises of the notebooks: each prepares its own streams and grades the state in Redis."""
