"""How far the localiser's poses, probabilities and covariances can be trusted; see __main__."""
