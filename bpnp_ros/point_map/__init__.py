"""Maps: loading, cleaning, what a camera can see from where."""
