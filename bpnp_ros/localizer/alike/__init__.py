"""Where else in the map a frame may have been taken: places that look the same."""
