"""Worlds and cameras made from a seed."""
