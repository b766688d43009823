"""Whether the camera and the map are what the localiser was told, by what its fixes leave over."""
