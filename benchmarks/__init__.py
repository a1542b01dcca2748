"""What the figures in benchmarks/README.md come from: `make bench`, or one alone with `python -m benchmarks NAME`."""
