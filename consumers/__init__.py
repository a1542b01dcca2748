"""Consumers: whatever folds tallies. The fold itself, its checkpoints, the loop around it."""
