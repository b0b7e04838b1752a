"""Trenza: an open customer-data platform API over GraphQL."""

__version__ = "0.1.0"
