"""The words in which the tables are written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from infra.local.dataverse.schema.model import Column, Kind, OnDelete, Required

MOST_MONEY = 100_000_000_000_000
MOST_COUNT = 1_000_000_000
ONLY_DEFAULT = {1: "Default Value"}


def text(name: str, length: int, required: Required = Required.NONE, *, indexed: bool = False) -> Column:
    """A single line of text."""
    return Column(name, Kind.STRING, length=length, required=required, indexed=indexed)


def texts(length: int, names: str) -> list[Column]:
    """Several text columns of one length; names divided by blanks."""
    return [text(name, length) for name in names.split()]


def memo(name: str, length: int = 2000) -> Column:
    """Text of several lines."""
    return Column(name, Kind.MEMO, length=length)


def computed(name: str, length: int, *, indexed: bool = False) -> Column:
    """Text that the service makes; what a client sends for it is ignored."""
    return Column(name, Kind.STRING, length=length, create=False, update=False, indexed=indexed)


def choice(name: str, options: Mapping[int, str], default: int | None = None) -> Column:
    """A choice of labelled whole numbers."""
    return Column(name, Kind.CHOICE, options=options, default=default)


def default_choices(names: str) -> list[Column]:
    """Choices that have one value only, "Default Value"."""
    return [choice(name, ONLY_DEFAULT, 1) for name in names.split()]


def yes_no(name: str, default: bool = False, labels: tuple[str, str] = ("No", "Yes")) -> Column:
    """A Boolean with its labels for false and true."""
    return Column(name, Kind.BOOLEAN, default=default, options=dict(enumerate(labels)))


def yes_nos(names: str, labels: tuple[str, str] = ("No", "Yes")) -> list[Column]:
    """Several Booleans that are false by default."""
    return [yes_no(name, labels=labels) for name in names.split()]


def whole(name: str, least: int = 0, most: int = MOST_COUNT, required: Required = Required.NONE) -> Column:
    """A whole number."""
    return Column(name, Kind.INTEGER, least=least, most=most, required=required)


def decimal(name: str, least: float, most: float, precision: int, required: Required = Required.NONE) -> Column:
    """A decimal number."""
    return Column(name, Kind.DECIMAL, least=least, most=most, precision=precision, required=required)


def double(name: str, most: float, precision: int = 5) -> Column:
    """A floating point number between -most and most."""
    return Column(name, Kind.DOUBLE, least=-most, most=most, precision=precision)


def money(*names: str, most: float = MOST_MONEY) -> list[Column]:
    """Money columns, each with the read-only twin in the organization's base currency."""
    columns = []
    for name in names:
        columns.append(Column(name, Kind.MONEY, least=0, most=most, precision=2))
        columns.append(Column(f"{name}_base", Kind.MONEY, precision=4, create=False, update=False, base_of=name))
    return columns


def moment(name: str, *, create: bool = True, update: bool = True, indexed: bool = False) -> Column:
    """A date and time, kept in UTC with a precision of seconds."""
    return Column(name, Kind.DATETIME, create=create, update=update, indexed=indexed)


def day(name: str) -> Column:
    """A date without time."""
    return Column(name, Kind.DATE)


def guid(name: str, *, create: bool = True, update: bool = True) -> Column:
    """A GUID that is no lookup."""
    return Column(name, Kind.GUID, create=create, update=update)


def lookup(
    name: str,
    target: str,
    relationship: str,
    on_delete: OnDelete = OnDelete.REMOVE_LINK,
    *,
    navigation: str | None = None,
    required: Required = Required.NONE,
    writable: bool = True,
    indexed: bool = True,
) -> Column:
    """A reference to a row of one table."""
    return Column(
        name,
        Kind.LOOKUP,
        required=required,
        create=writable,
        update=writable,
        navigations={navigation or name: (target,)},
        relationships={target: relationship},
        on_delete=on_delete,
        indexed=indexed,
    )


def _stamp(table: str, name: str) -> Column:
    relationship = f"lk_{table}base_{name}"
    return lookup(name, "systemuser", relationship, OnDelete.NOTHING, writable=False, indexed=False)


def state(active: str = "Active", inactive: str = "Inactive") -> list[Column]:
    """The usual two states with one status reason each."""
    return [
        Column("statecode", Kind.STATE, options={0: active, 1: inactive}, default=0, create=True),
        Column("statuscode", Kind.STATUS, options={1: active, 2: inactive}),
    ]


USUAL_STATUSES = {0: (1,), 1: (2,)}


def stamps(table: str) -> list[Column]:
    """What every table has: when and by whom it was written, and its version."""
    return [
        moment("createdon", create=False, update=False, indexed=False),
        moment("modifiedon", create=False, update=False, indexed=True),
        *(_stamp(table, name) for name in ("createdby", "modifiedby", "createdonbehalfby", "modifiedonbehalfby")),
        Column("versionnumber", Kind.BIGINT, create=False, update=False),
        moment("overriddencreatedon", update=False),
        Column("importsequencenumber", Kind.INTEGER, least=-2147483648, most=2147483647, update=False),
        whole("timezoneruleversionnumber", -1, 2147483647),
        whole("utcconversiontimezonecode", -1, 2147483647),
    ]


def owner(table: str) -> list[Column]:
    """The owner of a user-owned row, and what follows from it."""
    return [
        Column(
            "ownerid",
            Kind.OWNER,
            navigations={"ownerid": ("systemuser", "team")},
            required=Required.SYSTEM,
            relationships={"systemuser": f"owner_user_{table}", "team": f"owner_team_{table}"},
            on_delete=OnDelete.RESTRICT,
            indexed=True,
        ),
        _derived("owninguser", "systemuser", f"user_{table}s"),
        _derived("owningteam", "team", f"team_{table}s"),
        _derived("owningbusinessunit", "businessunit", f"business_unit_{table}s"),
    ]


def _derived(name: str, target: str, relationship: str) -> Column:
    return lookup(name, target, relationship, OnDelete.NOTHING, writable=False, indexed=False)


def currency(table: str) -> list[Column]:
    """The currency of a row's money columns, and its rate at the time of writing."""
    relationship = f"transactioncurrency_{table}"
    return [
        lookup("transactioncurrencyid", "transactioncurrency", relationship, OnDelete.RESTRICT, indexed=False),
        Column("exchangerate", Kind.DECIMAL, precision=12, create=False, update=False),
    ]


ADDRESS_TYPES = {1: "Bill To", 2: "Ship To", 3: "Primary", 4: "Other"}
FREIGHT_TERMS = {1: "FOB", 2: "No Charge"}
SHIPPING_METHODS = {
    1: "Airborne",
    2: "DHL",
    3: "FedEx",
    4: "UPS",
    5: "Postal Mail",
    6: "Full Load",
    7: "Will Call",
}


def address(number: int) -> list[Column]:
    """The columns of a row's first, second or third address; only the first one has real choices."""
    prefix = f"address{number}_"
    first = number == 1
    lengths = {
        "name": 200,
        "primarycontactname": 100,
        **dict.fromkeys(("line1", "line2", "line3"), 250),
        **dict.fromkeys(("city", "country"), 80),
        **dict.fromkeys(("stateorprovince", "county", "telephone1", "telephone2", "telephone3", "fax"), 50),
        **dict.fromkeys(("postofficebox", "postalcode"), 20),
        "upszone": 4,
    }
    return [
        *(text(prefix + name, length) for name, length in lengths.items()),
        double(prefix + "latitude", 90),
        double(prefix + "longitude", 180),
        whole(prefix + "utcoffset", -1500, 1500),
        choice(prefix + "addresstypecode", ADDRESS_TYPES if first else ONLY_DEFAULT, None if first else 1),
        choice(prefix + "freighttermscode", FREIGHT_TERMS if first else ONLY_DEFAULT, None if first else 1),
        choice(prefix + "shippingmethodcode", SHIPPING_METHODS if first else ONLY_DEFAULT, None if first else 1),
        Column(prefix + "composite", Kind.MEMO, length=1000, create=False, update=False),
        guid(prefix + "addressid"),
    ]


def named(columns: Iterable[Column]) -> dict[str, Column]:
    """The columns by name; a name given twice is a mistake in the data."""
    result: dict[str, Column] = {}
    for column in columns:
        if column.name in result:
            raise ValueError(f"column {column.name} is described twice")
        result[column.name] = column
    return result
