"""How fast Trenza is beside what one would write by hand: `python -m tests.benchmarks`."""
