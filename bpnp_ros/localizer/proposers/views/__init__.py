"""Views of the map: which there are, and which of them a frame looks like."""
