"""The gateway: folds totals into a view and pushes what changed to every client."""
