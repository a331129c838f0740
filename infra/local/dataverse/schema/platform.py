"""Tables of the platform: messages (which table supports what), webhooks and their steps, system jobs."""

from __future__ import annotations

from infra.local.dataverse.schema.model import Column, Kind, OnDelete, Required, Table
from infra.local.dataverse.schema.words import (
    USUAL_STATUSES,
    choice,
    guid,
    lookup,
    moment,
    named,
    stamps,
    state,
    text,
    yes_no,
)

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

_CONTRACTS = {1: "OneWay", 2: "Queue", 3: "Rest", 4: "TwoWay", 5: "Topic", 6: "Queue (Persistent)", 7: "Event Hub"}
_AUTHENTICATION = {2: "SAS Key", 3: "SAS Token", 4: "Webhook Key", 5: "Http Header", 6: "Http Query String"}

_ENDPOINT = [
    guid("serviceendpointid", update=False),
    text("name", 256, Required.SYSTEM),
    text("url", 2000),
    text("description", 2000),
    choice("contract", {**_CONTRACTS, 8: "Webhook", 9: "Event Grid", 10: "Managed Data Lake"}, 8),
    choice("authtype", {1: "ACS", **_AUTHENTICATION, 7: "Connection String", 8: "Access Key"}, 4),
    Column("authvalue", Kind.STRING, length=2048, secret=True),
    Column("isauthvalueset", Kind.BOOLEAN, default=False, options={0: "No", 1: "Yes"}, create=False, update=False),
    choice("messageformat", {1: "Binary XML", 2: "Json", 3: "Text XML"}, 2),
    *stamps("serviceendpoint"),
]

SERVICE_ENDPOINT = Table(
    "serviceendpoint",
    "serviceendpoints",
    "serviceendpointid",
    "name",
    4618,
    named(_ENDPOINT),
    ownership="OrganizationOwned",
    change_tracking=False,
)

_STEP = [
    guid("sdkmessageprocessingstepid", update=False),
    text("name", 256),
    text("description", 256),
    text("filteringattributes", 100_000),
    choice("mode", {0: "Synchronous", 1: "Asynchronous"}, 1),
    choice("stage", {10: "Pre-validation", 20: "Pre-operation", 40: "Post-operation"}, 40),
    choice("supporteddeployment", {0: "Server Only", 1: "Client Only", 2: "Both"}, 0),
    Column("rank", Kind.INTEGER, least=-2147483648, most=2147483647, default=1),
    yes_no("asyncautodelete"),
    *state("Enabled", "Disabled"),
    lookup(
        "eventhandler",
        "serviceendpoint",
        "serviceendpoint_sdkmessageprocessingstep",
        OnDelete.CASCADE,
        navigation="eventhandler_serviceendpoint",
        required=Required.SYSTEM,
    ),
    lookup(
        "sdkmessageid",
        "sdkmessage",
        "sdkmessageid_sdkmessageprocessingstep",
        OnDelete.RESTRICT,
        required=Required.SYSTEM,
    ),
    lookup(
        "sdkmessagefilterid",
        "sdkmessagefilter",
        "sdkmessagefilterid_sdkmessageprocessingstep",
        OnDelete.RESTRICT,
    ),
    *stamps("sdkmessageprocessingstep"),
]

PROCESSING_STEP = Table(
    "sdkmessageprocessingstep",
    "sdkmessageprocessingsteps",
    "sdkmessageprocessingstepid",
    "name",
    4608,
    named(_STEP),
    ownership="OrganizationOwned",
    change_tracking=False,
    statuses=USUAL_STATUSES,
)
