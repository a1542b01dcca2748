"""The gateway beside its peers: `python -m benchmarks gateway [--only PART …]`, or `make bench-gateway`."""
