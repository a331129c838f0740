"""The switches of `POST /_simulator/settings`: reading them, and answering how they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.local.dataverse.errors import Refusal
from infra.local.dataverse.organization import add_application_user
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.session import Settings
from infra.local.dataverse.storage import Storage
from infra.local.dataverse.writing.keys import Keys
from infra.local.simulator.oauth import Client, Tokens, clients_from
from infra.local.simulator.wrong_body import (
    WrongBodyError,
    a_list,
    a_number,
    a_text,
    a_whole_number,
    a_yes_or_no,
    an_object,
    known_fields,
)

RIGHTS = ("create", "read", "write", "delete")


class Switches:
    """Applies a settings body: first everything is read, then everything is set."""

    def __init__(self, storage: Storage, keys: Keys, settings: Settings, tokens: Tokens) -> None:
        self._storage = storage
        self._keys = keys
        self._settings = settings
        self._tokens = tokens
        self._readers: dict[str, Callable[[Any], Callable[[], None]]] = {
            "expire_change_tracking": self._expiry,
            "expire_tokens": self._token_expiry,
            "change_tracking": self._change_tracking,
            "choice_defaults": lambda value: self._set("choice_defaults", a_yes_or_no(value, "choice_defaults")),
            "dop_hint": lambda value: self._set("hint", a_whole_number(value, "dop_hint", least=1)),
            "servers": lambda value: self._set("servers", a_whole_number(value, "servers", least=1)),
            "bulk_delete_ms": lambda value: self._set("bulk_delete_ms", a_number(value, "bulk_delete_ms")),
            "privileges": lambda value: self._set("privileges", _privileges(value)),
            "clients": self._clients,
            "keys": self._alternate_keys,
        }

    def apply(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set what the body names; answers all switches. Raises WrongBodyError and then has set nothing."""
        known_fields(body, self._readers)
        for change in [self._readers[name](value) for name, value in body.items()]:
            change()
        return self.state()

    def state(self) -> dict[str, Any]:
        """Answer how the switches stand."""
        settings = self._settings
        return {
            "choice_defaults": settings.choice_defaults,
            "dop_hint": settings.hint,
            "servers": settings.servers,
            "bulk_delete_ms": settings.bulk_delete_ms,
            "privileges": settings.privileges,
            "change_tracking": {name: name not in settings.untracked for name in TABLES},
            "clients": {name: {"user": client.user} for name, client in self._tokens.clients.items()},
            "keys": {
                table.name: [{"name": key.name, "columns": list(key.columns)} for key in self._keys.of(table)]
                for table in TABLES.values()
                if self._keys.of(table)
            },
        }

    def _set(self, name: str, value: Any) -> Callable[[], None]:
        return lambda: setattr(self._settings, name, value)

    def _expiry(self, value: Any) -> Callable[[], None]:
        version = self._storage.version if a_yes_or_no(value, "expire_change_tracking") else 0

        def change() -> None:
            self._settings.expired_version = version
            # A token given from now on must be newer than those that have expired.
            self._storage.next_version()

        return change

    def _token_expiry(self, value: Any) -> Callable[[], None]:
        return self._tokens.expire if a_yes_or_no(value, "expire_tokens") else lambda: None

    def _change_tracking(self, value: Any) -> Callable[[], None]:
        wanted = an_object(value, "change_tracking")
        for name, on in wanted.items():
            _check_table(name, "change_tracking")
            a_yes_or_no(on, f"change_tracking.{name}")
        untracked = (self._settings.untracked | {name for name, on in wanted.items() if not on}) - {
            name for name, on in wanted.items() if on
        }
        return self._set("untracked", untracked)

    def _clients(self, value: Any) -> Callable[[], None]:
        clients = clients_from(value)

        def change() -> None:
            for name, client in clients.items():
                self._add_client(name, client)

        return change

    def _add_client(self, client_id: str, client: Client) -> None:
        self._tokens.clients[client_id] = client
        if client.user is not None:
            add_application_user(self._storage, client_id, client.user)

    def _alternate_keys(self, value: Any) -> Callable[[], None]:
        given = an_object(value, "keys")
        tables = {name: TABLES[_check_table(name, "keys")] for name in given}
        wanted = [
            (tables[name], *_key(name, one, index))
            for name, listed in given.items()
            for index, one in enumerate(a_list(listed, f"keys.{name}"))
        ]

        def change() -> None:
            for table, name, columns in wanted:
                if all(key.name != name for key in self._keys.of(table)):
                    self._define(table.name, name, columns)

        return change

    def _define(self, table: str, name: str, columns: list[str]) -> None:
        try:
            self._keys.define(TABLES[table], name, columns)
        except Refusal as refusal:
            raise WrongBodyError(f"keys.{table}", refusal.message) from refusal


def _key(table: str, value: Any, index: int) -> tuple[str, list[str]]:
    """A key is a list of columns, or `{"name": ..., "columns": [...]}`."""
    where = f"keys.{table}[{index}]"
    columns = value.get("columns") if isinstance(value, dict) else value
    names = [a_text(one, where) for one in a_list(columns, where)]
    name = a_text(value.get("name"), f"{where}.name") if isinstance(value, dict) else "key_" + "_".join(names)
    return name, names


def _privileges(value: Any) -> dict[str, dict[str, list[str]]]:
    return {
        user: {
            _check_table(table, f"privileges.{user}"): [
                _right(right, f"privileges.{user}.{table}") for right in a_list(rights, f"privileges.{user}.{table}")
            ]
            for table, rights in an_object(tables, f"privileges.{user}").items()
        }
        for user, tables in an_object(value, "privileges").items()
    }


def _right(value: Any, where: str) -> str:
    if value not in RIGHTS:
        raise WrongBodyError(where, f"must be some of {', '.join(RIGHTS)}")
    return str(value)


def _check_table(name: str, where: str) -> str:
    if name not in TABLES:
        raise WrongBodyError(f"{where}.{name}", "is no table here")
    return name
