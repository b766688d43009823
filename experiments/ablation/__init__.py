"""What each part of the network for any map is worth, at equal budget."""
