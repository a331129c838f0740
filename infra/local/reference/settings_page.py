"""docs/settings.md, from the settings type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from infra.local.reference.markdown import code, table
from shared.adapters.connection_settings import ConnectionSettings
from shared.adapters.settings import Settings

INTRODUCTION = """# Settings

The app reads its settings once, when it starts, from environment variables: *app settings* in Azure, `Values` of
`local.settings.json` under `func start`, `--set NAME=VALUE` with `python3 dev.py up`. An empty value counts as none.
A missing or wrong one stops the app with one sentence that names it.

*secret* marks what nobody else may read. In Azure make it a Key Vault reference, or use the managed identity and have
no secret at all.
"""

SECTIONS = {
    "What is synchronized": ("BUSINESS_CENTRAL_URL", "BUSINESS_CENTRAL_COMPANY_ID", "DATAVERSE_URL", "CONNECTION"),
    "Who signs in": ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "BUSINESS_CENTRAL_TOKEN", "DATAVERSE_TOKEN"),
    "Who may call": ("API_", "APP_SERVICE", "ENTRA_", "WEBSITE_AUTH"),
    "Where the state is kept": ("AzureWebJobsStorage",),
    "Where the queue is": ("ServiceBusConnection",),
    "Who is told": ("NOTIFICATION_",),
    "How it works": ("",),
}
"""Which settings stand together: each goes to the first section with the beginning of its name."""

FURTHER = """### Further connections

`CONNECTIONS` is a JSON list of objects with these members. What is left out is as the default connection has it, so a
second company of the same environment needs a name and its id. A secret stands in a setting of its own (best a Key
Vault reference), and the object names that setting:

```json
[
  {"name": "NORTH", "business_central_company_id": "6e1d3b5a-2a57-4f3e-9a44-0f6d3c1b7e20",
   "dataverse_url": "https://north.crm4.dynamics.com",
   "client_id": "9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c11", "client_secret_setting": "NORTH_SECRET"}
]
```
"""

ONE_OF = ("AzureWebJobsStorage", "ServiceBusConnection")
"""Families of which one setting is needed, whichever."""

HOST_SETTINGS = {
    "SYNC_SCHEDULE": "When the timer looks for what is due: NCRONTAB with six fields, seconds first. "
    "`0 * * * * *` (each minute) when left out.",
    "AzureWebJobsStorage__credential": "`managedidentity`, beside the account's name; for a user-assigned one also "
    "`AzureWebJobsStorage__clientId`. The same two exist for `ServiceBusConnection`.",
    "FUNCTIONS_WORKER_RUNTIME": "`python`, under `func start`. Not needed on Flex Consumption nor under `dev.py`.",
    "AzureWebJobs.NAME.Disabled": "`true` switches one function off, for example "
    "`AzureWebJobs.enqueue_due_jobs.Disabled` the timer.",
}
"""What the Functions host or the triggers read, beside the settings type."""


def settings_page() -> str:
    """The whole page."""
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    parts = [INTRODUCTION]
    for title, beginnings in SECTIONS.items():
        here = {name: fields.pop(name) for name in list(fields) if name.startswith(beginnings)}
        rows = [_row(name, field) for name, field in here.items()]
        parts.append(f"## {title}\n\n{table(('Setting', 'Required', 'Default', 'Meaning'), rows)}")
        parts += [f"{FURTHER}\n{_members()}"] if "CONNECTIONS" in here else []
    host = ((code(name), text) for name, text in HOST_SETTINGS.items() if name not in _names())
    parts.append(f"## What the Functions host reads\n\n{table(('Setting', 'Meaning'), host)}")
    return "\n".join(parts)


def _members() -> str:
    """What an object of CONNECTIONS has."""
    fields = ConnectionSettings.model_fields.items()
    rows = ((code(name), "yes" if one.is_required() else "no", _meaning(one)) for name, one in fields)
    return table(("Member", "Required", "Meaning"), rows)


def _meaning(field: FieldInfo) -> str:
    return " ".join([str(field.description), *_limits(field)])


def _names() -> set[str]:
    return {str(field.alias) for field in Settings.model_fields.values()}


def _row(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    default = "" if field.is_required() or field.default in (None, ()) else code(str(field.default))
    secret = "*secret*. " if _is_secret(field) else ""
    return code(name), _required(name, field), default, secret + _meaning(field)


def _required(name: str, field: FieldInfo) -> str:
    family = next((family for family in ONE_OF if name.startswith(family)), None)
    if family is not None:
        return "one of these" if sum(other.startswith(family) for other in _names()) > 1 else "yes"
    return "yes" if field.is_required() else "no"


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in _parts(field.annotation)


def _parts(annotation: Any) -> Iterable[Any]:
    """A type and all it is made of, through names given with `type`."""
    yield annotation
    for part in (getattr(annotation, "__value__", None), *get_args(annotation)):
        if part is not None:
            yield from _parts(part)


def _limits(field: FieldInfo) -> Iterable[str]:
    """What the type says about the values, in words."""
    if get_origin(field.annotation) is Literal:
        yield f"One of {' and '.join(code(str(value)) for value in get_args(field.annotation))}."
    limits: dict[str, Any] = {}
    for rule in field.metadata:
        limits |= {
            name: getattr(rule, name) for name in ("ge", "le", "pattern") if getattr(rule, name, None) is not None
        }
    if "ge" in limits and "le" in limits:
        yield f"From {limits['ge']} to {limits['le']}."
    if "pattern" in limits:
        yield f"Must match {code(limits['pattern'])}."
