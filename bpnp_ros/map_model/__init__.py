"""What the localiser knows of a map: where a camera can be, and what it sees from there."""
