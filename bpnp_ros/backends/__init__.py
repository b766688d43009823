"""Third-party libraries, each imported in exactly one file and only when it is needed."""
