"""The table account (page "Account table/entity reference")."""

from __future__ import annotations

from infra.local.dataverse.schema.model import Column, Kind, OnDelete, Required, Table
from infra.local.dataverse.schema.words import (
    USUAL_STATUSES,
    address,
    choice,
    currency,
    default_choices,
    guid,
    lookup,
    memo,
    moment,
    money,
    named,
    owner,
    stamps,
    state,
    text,
    texts,
    whole,
    yes_no,
    yes_nos,
)

PAYMENT_TERMS = {1: "Net 30", 2: "2% 10, Net 30", 3: "Net 45", 4: "Net 60"}
CONTACT_METHODS = {1: "Any", 2: "Email", 3: "Phone", 4: "Fax", 5: "Mail"}
WEEKDAYS = dict(enumerate(("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")))
DAYTIMES = {1: "Morning", 2: "Afternoon", 3: "Evening"}
ALLOWED = ("Allow", "Do Not Allow")
DO_NOT = "donotemail donotbulkemail donotbulkpostalmail donotphone donotfax donotpostalmail"

_INDUSTRIES = (
    "Accounting|Agriculture and Non-petrol Natural Resource Extraction|Broadcasting Printing and Publishing|Brokers|"
    "Building Supply Retail|Business Services|Consulting|Consumer Services|Design, Direction and Creative Management|"
    "Distributors, Dispatchers and Processors|Doctor's Offices and Clinics|Durable Manufacturing|"
    "Eating and Drinking Places|Entertainment Retail|Equipment Rental and Leasing|Financial|"
    "Food and Tobacco Processing|Inbound Capital Intensive Processing|Inbound Repair and Services|Insurance|"
    "Legal Services|Non-Durable Merchandise Retail|Outbound Consumer Service|"
    "Petrochemical Extraction and Distribution|Service Retail|SIG Affiliations|Social Services|"
    "Special Outbound Trade Contractors|Specialty Realty|Transportation|Utility Creation and Distribution|"
    "Vehicle Retail|Wholesale"
)
_CUSTOMER_TYPES = (
    "Competitor|Consultant|Customer|Investor|Partner|Influencer|Press|Prospect|Reseller|Supplier|Vendor|Other"
)


def numbered(labels: str) -> dict[int, str]:
    """Choices numbered from one; labels divided by `|`."""
    return dict(enumerate(labels.split("|"), start=1))


_COLUMNS = [
    guid("accountid", update=False),
    text("name", 160, Required.APPLICATION, indexed=True),
    text("accountnumber", 20, indexed=True),
    *texts(50, "telephone1 telephone2 telephone3 fax"),
    text("emailaddress1", 100, indexed=True),
    *texts(100, "emailaddress2 emailaddress3"),
    *texts(200, "websiteurl ftpsiteurl primarysatoriid"),
    *texts(20, "sic stockexchange"),
    text("tickersymbol", 10),
    text("yominame", 160),
    text("primarytwitterid", 128),
    text("traversedpath", 1250),
    memo("description"),
    *address(1),
    *address(2),
    choice("paymenttermscode", PAYMENT_TERMS),
    choice("accountcategorycode", {1: "Preferred Customer", 2: "Standard"}),
    choice("customertypecode", numbered(_CUSTOMER_TYPES)),
    choice("industrycode", numbered(_INDUSTRIES)),
    choice("ownershipcode", {1: "Public", 2: "Private", 3: "Subsidiary", 4: "Other"}),
    choice("preferredcontactmethodcode", CONTACT_METHODS, 1),
    choice("preferredappointmentdaycode", WEEKDAYS),
    choice("preferredappointmenttimecode", DAYTIMES),
    *default_choices("customersizecode accountratingcode accountclassificationcode businesstypecode"),
    *default_choices("territorycode shippingmethodcode"),
    *money("creditlimit", "revenue", "marketcap"),
    *(
        Column(name, Kind.MONEY, precision=4, create=False, update=False, base_of=name)
        for name in ("aging30", "aging60", "aging90", "openrevenue")
    ),
    Column("opendeals", Kind.INTEGER, create=False, update=False),
    *yes_nos(DO_NOT, ALLOWED),
    yes_no("donotsendmm", labels=("Send", "Do Not Send")),
    *yes_nos("creditonhold marketingonly participatesinworkflow merged"),
    yes_no("followemail", True, ("Do Not Allow", "Allow")),
    whole("numberofemployees"),
    whole("sharesoutstanding"),
    moment("lastusedincampaign"),
    moment("lastonholdtime"),
    whole("onholdtime", -2147483648, 2147483647),
    guid("processid"),
    *state(),
    *currency("account"),
    lookup("primarycontactid", "contact", "account_primary_contact"),
    lookup("parentaccountid", "account", "account_parent_account"),
    lookup("preferredsystemuserid", "systemuser", "system_user_accounts", OnDelete.RESTRICT),
    lookup("masterid", "account", "account_master_account", OnDelete.NOTHING, writable=False),
    *owner("account"),
    *stamps("account"),
]

ACCOUNT = Table("account", "accounts", "accountid", "name", 1, named(_COLUMNS), bulk=True, statuses=USUAL_STATUSES)
