"""Scopes and roles."""

import pytest

from trenza.domain.access import PERMISSIONS, ROLE_SCOPES, Role, Scope, Verb, Viewer
from trenza.domain.errors import Forbidden


def test_roles_have_the_scopes_of_their_work() -> None:
    assert {role: sorted(scopes) for role, scopes in ROLE_SCOPES.items()} == {
        Role.ADMIN: ["admin", "manage", "read", "record"],
        Role.OPERATOR: ["manage", "read", "record"],
        Role.AGENT: ["read", "record"],
        Role.VIEWER: ["read"],
    }


def viewer_with(*scopes: Scope, role: Role | None = None) -> Viewer:
    """Whoever holds a key with these scopes; a person of a role, or a service."""
    user_id = None if role is None else "user"
    return Viewer("ws", "key", "billing", frozenset(scopes), user_id=user_id, role=role)


def test_no_scope_includes_another() -> None:
    viewer = viewer_with(Scope.ADMIN)

    viewer.require(Verb.CLOSE_CYCLE)
    for verb, scope in (
        (Verb.READ, "read"),
        (Verb.RECORD_INTERACTION, "record"),
        (Verb.UPSERT_CONTACT, "manage"),
    ):
        with pytest.raises(Forbidden, match=f"'{scope}'"):
            viewer.require(verb)


def test_every_verb_has_its_permission() -> None:
    assert set(PERMISSIONS) == set(Verb)


def test_the_roles_of_a_verb_are_those_whose_scopes_allow_it() -> None:
    for verb, permission in PERMISSIONS.items():
        allowed = {role for role, scopes in ROLE_SCOPES.items() if permission.scope in scopes}

        assert permission.roles == allowed, verb


def test_a_persons_key_does_no_more_than_the_persons_role() -> None:
    viewer = viewer_with(*Scope, role=Role.AGENT)

    viewer.require(Verb.RECORD_INTERACTION)
    with pytest.raises(Forbidden, match=r"upsertContact is not for AGENT.*ADMIN, OPERATOR"):
        viewer.require(Verb.UPSERT_CONTACT)
