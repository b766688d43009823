"""A landmark map from a recording whose poses are known: lights are followed and triangulated."""
