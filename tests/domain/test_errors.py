"""Each code has exactly one class."""

from trenza.domain.errors import DomainError, ErrorCode


def test_every_code_has_its_class_in_the_order_of_precedence() -> None:
    assert [each.code for each in DomainError.__subclasses__()] == list(ErrorCode)


def test_a_refusal_says_what_and_where() -> None:
    for refusal in DomainError.__subclasses__():
        error = refusal("no", path=("input", "actor"))
        assert (str(error), error.message, error.path) == ("no", "no", ("input", "actor"))
        assert refusal("no").path == ()
