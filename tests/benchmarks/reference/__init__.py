"""What one would write by hand for the same answers, as well as one can."""
