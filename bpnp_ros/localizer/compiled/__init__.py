"""The measurement model and its descent as machine code, for processors; GPUs run the tensors'."""
