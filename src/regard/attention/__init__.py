"""Attention mechanisms, one per file, each usable alone."""
