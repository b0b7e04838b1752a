"""The argument that chooses the language of a sentence."""

from trenza.readplan.fields import Argument

TOLD_IN = Argument(
    "Language | None",
    "The language; the workspace's when omitted.",
    default=lambda operation: operation.viewer.language,
)
