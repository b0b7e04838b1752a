"""Scopes and roles."""

import pytest

from trenza.domain.access import ROLE_SCOPES, Role, Scope, Viewer
from trenza.domain.errors import Forbidden


def test_roles_have_the_scopes_of_their_work() -> None:
    assert {role: sorted(scopes) for role, scopes in ROLE_SCOPES.items()} == {
        Role.ADMIN: ["admin", "manage", "read", "record"],
        Role.OPERATOR: ["manage", "read", "record"],
        Role.AGENT: ["read", "record"],
        Role.VIEWER: ["read"],
    }


def test_no_scope_includes_another() -> None:
    viewer = Viewer("ws", "key", "billing", frozenset({Scope.ADMIN}))

    viewer.require(Scope.ADMIN)
    for scope in (Scope.READ, Scope.RECORD, Scope.MANAGE):
        with pytest.raises(Forbidden, match=f"'{scope}'"):
            viewer.require(scope)
