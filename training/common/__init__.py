"""What every training shares: settings, devices, run folders, checkpoints."""
