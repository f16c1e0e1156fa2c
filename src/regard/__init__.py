"""Attention-based sequential recommendation, from a dirty log to a reason."""
