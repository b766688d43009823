"""Matching two point sets as optimal transport, differentiated implicitly instead of unrolled."""
