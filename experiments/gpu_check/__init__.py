"""What a GPU is asked in the minutes that it is lent: `scripts/gpu_check.sh`."""
