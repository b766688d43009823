"""What several frames say together of a camera that is lost."""
