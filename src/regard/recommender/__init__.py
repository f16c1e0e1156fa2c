"""The verbs: fit, recommend, explain, evaluate, compare, save, load."""
