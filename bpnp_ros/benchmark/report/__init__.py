"""The page that people read, and what it says of how its figures came about."""
