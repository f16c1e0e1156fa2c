"""Pictures of result objects; drawing never computes."""
