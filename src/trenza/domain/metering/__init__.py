"""Interactionz metering: policy, fold, re-cut, ledger, cycles, balance, seats, sentences."""
