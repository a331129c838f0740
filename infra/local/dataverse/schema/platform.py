"""The tables of the platform that clients ask for: messages (which table supports what) and system jobs."""

from __future__ import annotations

from infra.local.dataverse.schema.model import Column, Kind, OnDelete, Table
from infra.local.dataverse.schema.words import choice, guid, lookup, moment, named, stamps, text

_MESSAGE = [guid("sdkmessageid", update=False), text("name", 256, indexed=True), *stamps("sdkmessage")]

SDK_MESSAGE = Table(
    "sdkmessage",
    "sdkmessages",
    "sdkmessageid",
    "name",
    4606,
    named(_MESSAGE),
    ownership="OrganizationOwned",
    change_tracking=False,
    writable=False,
)

_MESSAGE_FILTER = [
    guid("sdkmessagefilterid", update=False),
    text("name", 256),
    # The service keeps a number here and accepts the logical name; only the name is of use to a client.
    text("primaryobjecttypecode", 64, indexed=True),
    lookup("sdkmessageid", "sdkmessage", "sdkmessageid_sdkmessagefilter", OnDelete.CASCADE),
    *stamps("sdkmessagefilter"),
]

SDK_MESSAGE_FILTER = Table(
    "sdkmessagefilter",
    "sdkmessagefilters",
    "sdkmessagefilterid",
    "name",
    4607,
    named(_MESSAGE_FILTER),
    ownership="OrganizationOwned",
    change_tracking=False,
    writable=False,
)

_JOB_STATUSES = {
    0: "Waiting For Resources",
    10: "Waiting",
    20: "In Progress",
    30: "Succeeded",
    31: "Failed",
    32: "Canceled",
}

_SYSTEM_JOB = [
    guid("asyncoperationid", update=False),
    text("name", 2000),
    choice("operationtype", {1: "System Event", 13: "Bulk Delete", 10: "Workflow"}),
    Column("statecode", Kind.STATE, options={0: "Ready", 1: "Suspended", 2: "Locked", 3: "Completed"}, default=0),
    Column("statuscode", Kind.STATUS, options=_JOB_STATUSES),
    Column("message", Kind.MEMO, length=1_000_000),
    Column("friendlymessage", Kind.MEMO, length=5000),
    moment("startedon"),
    moment("completedon"),
    *stamps("asyncoperation"),
]

SYSTEM_JOB = Table(
    "asyncoperation",
    "asyncoperations",
    "asyncoperationid",
    "name",
    4700,
    named(_SYSTEM_JOB),
    ownership="OrganizationOwned",
    change_tracking=False,
    statuses={0: (0,), 1: (10,), 2: (20,), 3: (30, 31, 32)},
)
