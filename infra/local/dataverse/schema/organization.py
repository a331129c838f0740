"""The tables of the organization itself: users, teams, business units, currencies."""

from __future__ import annotations

from infra.local.dataverse.schema.model import Column, Kind, OnDelete, Required, Table
from infra.local.dataverse.schema.words import (
    USUAL_STATUSES,
    choice,
    computed,
    decimal,
    guid,
    lookup,
    named,
    stamps,
    state,
    text,
    texts,
    whole,
    yes_no,
    yes_nos,
)

_EMAIL_DELIVERY = {0: "None", 1: "Microsoft Dynamics 365 for Outlook", 2: "Server-Side Synchronization"}
_CALS = {
    0: "Professional",
    1: "Administrative",
    2: "Basic",
    3: "Device Professional",
    4: "Device Basic",
    5: "Essential",
    6: "Device Essential",
    7: "Enterprise",
    8: "Device Enterprise",
    9: "Sales",
    10: "Service",
    11: "Field Service",
    12: "Project Service",
}


def _user_address(number: int) -> list[Column]:
    prefix = f"address{number}_"
    return [
        *texts(1024, " ".join(prefix + name for name in ("line1", "line2", "line3"))),
        *texts(128, " ".join(prefix + name for name in ("city", "stateorprovince", "county", "country"))),
        *texts(40, f"{prefix}postalcode {prefix}postofficebox"),
        *texts(64, " ".join(prefix + name for name in ("telephone1", "telephone2", "telephone3", "fax"))),
        text(prefix + "name", 100),
        Column(prefix + "composite", Kind.MEMO, length=15000, create=False, update=False),
    ]


_USER = [
    guid("systemuserid", update=False),
    Column("ownerid", Kind.GUID, create=False, update=False),
    text("domainname", 1024, Required.SYSTEM, indexed=True),
    text("firstname", 256, Required.APPLICATION),
    text("lastname", 256, Required.APPLICATION, indexed=True),
    *texts(50, "middlename nickname homephone"),
    text("salutation", 20),
    text("title", 128),
    *texts(100, "jobtitle employeeid skills governmentid personalemailaddress mobilealertemail"),
    computed("fullname", 200, indexed=True),
    computed("yomifullname", 200),
    text("internalemailaddress", 100, Required.SYSTEM, indexed=True),
    *texts(1024, "windowsliveid sharepointemailaddress"),
    text("yammeremailaddress", 200),
    text("mobilephone", 64),
    *_user_address(1),
    *_user_address(2),
    yes_no("isdisabled", labels=("Enabled", "Disabled")),
    *yes_nos("islicensed issyncwithdirectory isintegrationuser setupuser displayinserviceviews"),
    yes_no("defaultfilterspopulated"),
    choice(
        "accessmode",
        {
            0: "Read-Write",
            1: "Administrative",
            2: "Read",
            3: "Support User",
            4: "Non-interactive",
            5: "Delegated Admin",
        },
        0,
    ),
    choice("azurestate", {0: "Exists", 1: "Soft deleted", 2: "Not found or hard deleted"}, 0),
    choice("systemmanagedusertype", {0: "Entra User", 1: "C2 User", 2: "Impersonable Stub User"}, 0),
    choice(
        "invitestatuscode",
        {
            0: "Invitation Not Sent",
            1: "Invited",
            2: "Invitation Near Expired",
            3: "Invitation Expired",
            4: "Invitation Accepted",
            5: "Invitation Rejected",
            6: "Invitation Revoked",
        },
        0,
    ),
    choice("caltype", _CALS),
    choice("preferredphonecode", {1: "Main Phone", 2: "Other Phone", 3: "Home Phone", 4: "Mobile Phone"}, 1),
    choice("preferredaddresscode", {1: "Mailing Address", 2: "Other Address"}, 1),
    choice("preferredemailcode", {1: "Internal Email"}, 1),
    choice("incomingemaildeliverymethod", {**_EMAIL_DELIVERY, 3: "Forward Mailbox"}, 1),
    choice("outgoingemaildeliverymethod", _EMAIL_DELIVERY, 1),
    choice("emailrouteraccessapproval", {0: "Empty", 1: "Approved", 2: "Pending Approval", 3: "Rejected"}, 0),
    guid("applicationid"),
    guid("azureactivedirectoryobjectid", update=False),
    whole("userlicensetype", -2147483648, 2147483647),
    lookup(
        "businessunitid",
        "businessunit",
        "business_unit_system_users",
        OnDelete.RESTRICT,
        required=Required.SYSTEM,
        indexed=False,
    ),
    lookup("parentsystemuserid", "systemuser", "user_parent_user"),
    lookup("transactioncurrencyid", "transactioncurrency", "transactioncurrency_systemuser", OnDelete.RESTRICT),
    *stamps("systemuser"),
]

SYSTEM_USER = Table(
    "systemuser",
    "systemusers",
    "systemuserid",
    "fullname",
    8,
    named(_USER),
    ownership="BusinessOwned",
    named_id=False,
)

_CURRENCY = [
    guid("transactioncurrencyid", update=False),
    text("isocurrencycode", 5, Required.SYSTEM, indexed=True),
    text("currencyname", 100, Required.SYSTEM, indexed=True),
    text("currencysymbol", 10, Required.SYSTEM),
    whole("currencyprecision", 0, 10, Required.SYSTEM),
    decimal("exchangerate", 1e-12, 100_000_000_000, 12, Required.SYSTEM),
    Column("currencytype", Kind.CHOICE, options={0: "System", 1: "Custom"}, default=0, required=Required.SYSTEM),
    *state(),
    lookup("organizationid", "organization", "organization_transactioncurrencies", OnDelete.NOTHING, writable=False),
    *stamps("transactioncurrency"),
]

TRANSACTION_CURRENCY = Table(
    "transactioncurrency",
    "transactioncurrencies",
    "transactioncurrencyid",
    "currencyname",
    9105,
    named(_CURRENCY),
    ownership="OrganizationOwned",
    statuses=USUAL_STATUSES,
)

_BUSINESS_UNIT = [
    guid("businessunitid", update=False),
    text("name", 160, Required.SYSTEM),
    text("divisionname", 100),
    text("websiteurl", 200),
    text("emailaddress", 100),
    text("costcenter", 100),
    yes_no("isdisabled"),
    lookup("parentbusinessunitid", "businessunit", "business_unit_parent_business_unit", OnDelete.RESTRICT),
    lookup("transactioncurrencyid", "transactioncurrency", "transactioncurrency_businessunit", OnDelete.RESTRICT),
    lookup("organizationid", "organization", "organization_business_units", OnDelete.NOTHING, writable=False),
    *stamps("businessunit"),
]

BUSINESS_UNIT = Table(
    "businessunit",
    "businessunits",
    "businessunitid",
    "name",
    10,
    named(_BUSINESS_UNIT),
    ownership="BusinessOwned",
)

_TEAM = [
    guid("teamid", update=False),
    Column("ownerid", Kind.GUID, create=False, update=False),
    text("name", 160, Required.SYSTEM),
    Column("description", Kind.MEMO, length=2000),
    text("emailaddress", 100),
    Column("isdefault", Kind.BOOLEAN, default=False, options={0: "No", 1: "Yes"}, create=False, update=False),
    choice("teamtype", {0: "Owner", 1: "Access", 2: "Security Group", 3: "Office Group"}, 0),
    lookup("businessunitid", "businessunit", "business_unit_teams", OnDelete.RESTRICT, required=Required.SYSTEM),
    lookup("administratorid", "systemuser", "lk_teambase_administratorid", OnDelete.RESTRICT),
    lookup("transactioncurrencyid", "transactioncurrency", "transactioncurrency_team", OnDelete.RESTRICT),
    *stamps("team"),
]

TEAM = Table("team", "teams", "teamid", "name", 9, named(_TEAM), ownership="BusinessOwned", named_id=False)

_ORGANIZATION = [
    guid("organizationid", create=False, update=False),
    text("name", 160),
    Column("localeid", Kind.INTEGER, default=1033),
    Column("languagecode", Kind.INTEGER, default=1033),
    Column("expirechangetrackingindays", Kind.INTEGER, least=0, most=365, default=7),
    Column("pricingdecimalprecision", Kind.INTEGER, least=0, most=4, default=2),
    Column("basecurrencyprecision", Kind.INTEGER, create=False, update=False),
    computed("basecurrencysymbol", 5),
    lookup("basecurrencyid", "transactioncurrency", "basecurrency_organization", OnDelete.RESTRICT, writable=False),
    *stamps("organization"),
]

ORGANIZATION = Table(
    "organization",
    "organizations",
    "organizationid",
    "name",
    1019,
    named(_ORGANIZATION),
    ownership="None",
    change_tracking=False,
)
