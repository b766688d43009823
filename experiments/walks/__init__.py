"""Long walks with bursts of clutter, darkness, kidnaps and fast turns; see __main__."""
