"""Groups of agents: names, members, and what their end leaves behind."""

from typing import Any

import pytest

from tests.services.books import MICROSECOND, Books, open_books, utc
from trenza.domain.access import Role
from trenza.domain.errors import Conflict, DomainError, InvalidInput, NotFound
from trenza.domain.ids import Prefix
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.group import (
    MEMBERS_MAX,
    ChangeMembers,
    DeleteGroup,
    add_group_members,
    create_group,
    delete_group,
    remove_group_members,
    rename_group,
)
from trenza.services.seat import InviteUser, invite_user
from trenza.storage import Activity, AgentGroup, Contact, ContactVersion, GroupMember

NOON = utc(2026, 9, 10, 12)


async def user_of(books: Books, name: str) -> str:
    request = InviteUser(f"{name}@example.com", name, Role.AGENT)
    return (await invite_user(books.dependencies, books.admin, request)).user_id


async def group_of(books: Books, name: str, *user_ids: str) -> str:
    group_id = await create_group(books.dependencies, books.admin, name)
    if user_ids:
        await add_group_members(books.dependencies, books.admin, ChangeMembers(group_id, user_ids))
    return group_id


async def members(books: Books) -> list[tuple[Any, ...]]:
    return list(await books.rows(GroupMember, "group_id", "user_id"))


async def verbs(books: Books) -> list[str]:
    return [row[1] for row in await books.rows(Activity, "at", "verb")]


async def assign(books: Books, group_id: str) -> None:
    """The contact of the books is assigned to the group."""
    request = UpsertContact(id=books.contact_id, assigned_group_id=group_id)
    await upsert_contact(books.dependencies, books.admin, request)


async def test_no_two_groups_of_a_workspace_have_one_name(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        first = await group_of(books, " Ventas ")
        await group_of(neighbour, "Ventas")
        second = await group_of(books, "Soporte")

        with pytest.raises(Conflict) as refused:
            await group_of(books, "Ventas")
        assert refused.value.path == ("name",)
        with pytest.raises(Conflict):
            await rename_group(books.dependencies, books.admin, second, "Ventas")
        await rename_group(books.dependencies, books.admin, first, "Ventas")
        await rename_group(books.dependencies, books.admin, first, "Ventas MX")
        await rename_group(books.dependencies, books.admin, second, "Ventas")

        found = await books.rows(AgentGroup, "workspace_id", "id", "name")
        own = [row[1:] for row in found if row[0] == books.workspace_id]
        assert sorted(own) == sorted([(first, "Ventas MX"), (second, "Ventas")])


async def test_users_join_and_leave_a_group_once(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana, eva = await user_of(books, "ana"), await user_of(books, "eva")
        group_id = await group_of(books, "Ventas", ana)
        given = books.dependencies, books.admin
        for _ in range(2):
            books.clock.at += MICROSECOND
            await add_group_members(*given, ChangeMembers(group_id, [eva, ana, eva]))
        assert await members(books) == sorted([(group_id, ana), (group_id, eva)])
        for _ in range(2):
            books.clock.at += MICROSECOND
            await remove_group_members(*given, ChangeMembers(group_id, [ana]))

        assert await members(books) == [(group_id, eva)]
        assert (await verbs(books))[-2:] == ["addGroupMembers", "removeGroupMembers"]
        told = await books.rows(Activity, "at", "before", "after")
        assert [(row[1], row[2]) for row in told[-2:]] == [
            (None, {"members": [eva]}),
            ({"members": [ana]}, None),
        ]


async def test_unknown_users_and_groups_change_nothing(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        ana, theirs = await user_of(books, "ana"), await user_of(neighbour, "eva")
        own, foreign = await group_of(books, "Ventas"), await group_of(neighbour, "Ventas")
        absent_user = books.dependencies.new_id(Prefix.USER)
        absent_group = books.dependencies.new_id(Prefix.GROUP)
        given = books.dependencies, books.admin
        before = await verbs(books)

        for change in (add_group_members, remove_group_members):
            for user_id in (theirs, absent_user, "x", own):
                with pytest.raises(NotFound) as refused:
                    await change(*given, ChangeMembers(own, [ana, user_id]))
                assert refused.value.path == ("userIds",)
            for group_id in (foreign, absent_group, "x", ana):
                with pytest.raises(NotFound) as refused:
                    await change(*given, ChangeMembers(group_id, [ana]))
                assert refused.value.path == ("groupId",)
            for user_ids in ([], [ana] * (MEMBERS_MAX + 1)):
                with pytest.raises(InvalidInput):
                    await change(*given, ChangeMembers(own, user_ids))
        for group_id in (foreign, absent_group, "x"):
            with pytest.raises(NotFound):
                await rename_group(*given, group_id, "Otro")
            with pytest.raises(NotFound):
                await delete_group(*given, DeleteGroup(group_id, unassign=True))
        assert await members(books) == []
        assert await verbs(books) == before


async def test_a_group_goes_and_its_name_is_free_again(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await user_of(books, "ana")
        group_id = await group_of(books, "Ventas", ana)
        await delete_group(books.dependencies, books.admin, DeleteGroup(group_id))

        assert await members(books) == []
        assert await books.rows(AgentGroup, "id") == []
        told = {row[0]: row[1:] for row in await books.rows(Activity, "verb", "before", "after")}
        before = {"name": "Ventas", "members": [ana], "contacts": 0}
        assert told["deleteGroup"] == (before, None)
        assert await group_of(books, "Ventas", ana) != group_id


async def test_a_group_with_contacts_stays_unless_they_are_left_with_nobody(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books:
        group_id = await group_of(books, "Ventas")
        await assign(books, group_id)
        given = books.dependencies, books.admin

        with pytest.raises(Conflict) as refused:
            await delete_group(*given, DeleteGroup(group_id))
        assert refused.value.path == ("groupId",)
        assert await books.rows(AgentGroup, "id") == [(group_id,)]

        books.clock.at += MICROSECOND
        await delete_group(*given, DeleteGroup(group_id, unassign=True))
        changed = await books.rows(Contact, "assigned_group_id", "updated_at")
        assert changed == [(None, NOON + MICROSECOND)]
        kept = await books.rows(ContactVersion, "contact_id", "assigned_group_id")
        assert (books.contact_id, group_id) in kept


async def test_a_contact_is_assigned_only_to_a_group_of_the_workspace(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        foreign = await group_of(neighbour, "Ventas")
        absent_group = books.dependencies.new_id(Prefix.GROUP)

        for group_id in (foreign, absent_group, "x", books.contact_id):
            with pytest.raises(NotFound) as refused:
                await assign(books, group_id)
            assert refused.value.path == ("assignedGroupId",)
        assert await books.rows(Contact, "assigned_group_id") == [(None,)] * 2


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\x00b"])
async def test_a_bad_name_is_refused(database_url: str, name: str) -> None:
    async with open_books(database_url, NOON) as books:
        group_id = await group_of(books, "Ventas")
        acts: list[Any] = [
            lambda: create_group(books.dependencies, books.admin, name),
            lambda: rename_group(books.dependencies, books.admin, group_id, name),
        ]
        for act in acts:
            with pytest.raises(DomainError) as refused:
                await act()
            assert (type(refused.value), refused.value.path) == (InvalidInput, ("name",))
        assert await books.rows(AgentGroup, "name") == [("Ventas",)]
