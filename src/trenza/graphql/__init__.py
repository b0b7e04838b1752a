"""The graph, declared once, one file per noun; mutations; feeds."""

# The enums come first: a type that met one before it is described would declare it by itself.
from trenza.graphql import enums as enums
