"""Why photographs that a map does not hold are not found."""
