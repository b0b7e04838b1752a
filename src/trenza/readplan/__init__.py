"""The graph declared once: the declarations, and the batched loaders that answer from them."""
