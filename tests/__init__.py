"""The tests of Trenza."""
