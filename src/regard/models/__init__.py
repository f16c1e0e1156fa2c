"""Attention networks, one page each, behind one contract."""
