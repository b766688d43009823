"""What the localization node adds to TF."""
