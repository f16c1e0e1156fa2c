"""Numeric signals along a history or an item's days: many series at once, with gaps and noise."""
