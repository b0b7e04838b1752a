"""Telling feeds that a ledger has grown; the ledger itself says what is new."""
