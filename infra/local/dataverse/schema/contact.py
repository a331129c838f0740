"""The table contact (page "Contact table/entity reference")."""

from __future__ import annotations

from infra.local.dataverse.schema.account import ALLOWED, CONTACT_METHODS, DAYTIMES, DO_NOT, PAYMENT_TERMS, WEEKDAYS
from infra.local.dataverse.schema.model import Column, Kind, OnDelete, Required, Table
from infra.local.dataverse.schema.words import (
    USUAL_STATUSES,
    address,
    choice,
    computed,
    currency,
    day,
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

_PHONES = (
    "telephone1 telephone2 telephone3 mobilephone pager fax business2 callback company home2 assistantphone "
    "managerphone"
)

_COLUMNS = [
    guid("contactid", update=False),
    computed("fullname", 160, indexed=True),
    computed("yomifullname", 450),
    *texts(50, "firstname middlename"),
    text("lastname", 50, Required.APPLICATION, indexed=True),
    text("suffix", 10),
    *texts(100, "salutation nickname jobtitle department assistantname managername spousesname"),
    *texts(150, "yomifirstname yomilastname yomimiddlename"),
    text("emailaddress1", 100, indexed=True),
    *texts(100, "emailaddress2 emailaddress3"),
    *texts(50, _PHONES),
    text("childrensnames", 255),
    *texts(50, "governmentid employeeid externaluseridentifier"),
    *texts(200, "websiteurl ftpsiteurl"),
    memo("description"),
    *address(1),
    *address(2),
    *address(3),
    day("birthdate"),
    day("anniversary"),
    choice("gendercode", {1: "Male", 2: "Female"}),
    choice("familystatuscode", {1: "Single", 2: "Married", 3: "Divorced", 4: "Widowed"}),
    choice("accountrolecode", {1: "Decision Maker", 2: "Employee", 3: "Influencer"}),
    choice("preferredcontactmethodcode", CONTACT_METHODS, 1),
    choice("preferredappointmentdaycode", WEEKDAYS),
    choice("preferredappointmenttimecode", DAYTIMES),
    choice("paymenttermscode", PAYMENT_TERMS),
    *default_choices("customertypecode customersizecode leadsourcecode educationcode haschildrencode territorycode"),
    *default_choices("shippingmethodcode"),
    *money("creditlimit", "annualincome"),
    *(
        Column(name, Kind.MONEY, precision=4, create=False, update=False, base_of=name)
        for name in ("aging30", "aging60", "aging90")
    ),
    *yes_nos(DO_NOT, ALLOWED),
    yes_no("donotsendmm", labels=("Send", "Do Not Send")),
    *yes_nos("creditonhold isbackofficecustomer marketingonly participatesinworkflow merged"),
    yes_no("followemail", True, ("Do Not Allow", "Allow")),
    whole("numberofchildren"),
    moment("lastusedincampaign"),
    moment("lastonholdtime"),
    whole("onholdtime", -2147483648, 2147483647),
    guid("processid"),
    *state(),
    *currency("contact"),
    Column(
        "parentcustomerid",
        Kind.CUSTOMER,
        navigations={"parentcustomerid_account": ("account",), "parentcustomerid_contact": ("contact",)},
        relationships={"account": "contact_customer_accounts", "contact": "contact_customer_contacts"},
        on_delete=OnDelete.CASCADE,
        indexed=True,
    ),
    lookup("accountid", "account", "contact_accounts", OnDelete.NOTHING, writable=False, indexed=False),
    lookup("parentcontactid", "contact", "contact_contacts", OnDelete.NOTHING, writable=False, indexed=False),
    lookup("preferredsystemuserid", "systemuser", "system_user_contacts", OnDelete.RESTRICT),
    lookup("masterid", "contact", "contact_master_contact", OnDelete.NOTHING, writable=False),
    *owner("contact"),
    *stamps("contact"),
]

CONTACT = Table("contact", "contacts", "contactid", "fullname", 2, named(_COLUMNS), bulk=True, statuses=USUAL_STATUSES)
