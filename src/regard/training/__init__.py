"""How a model learns: objective, batches, optimiser, loop, checkpoints."""
