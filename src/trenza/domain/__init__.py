"""The pure rules: frozen values and functions over them, without clock, ids, chance or I/O."""
