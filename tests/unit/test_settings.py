"""Settings are read once, and a wrong one stops the app with one sentence that names it and never tells a secret."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.settings import SettingsError, read_all_settings, read_settings

ROOT = Path(__file__).resolve().parents[2]
SECRET = "hush-no-sentence-may-say-this"
COMPANY = "2a601998-480d-51e2-b41a-32326d131495"
CLIENT = "9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c11"
BUSINESS_CENTRAL = "https://api.businesscentral.dynamics.com/v2.0/contoso.com/Production"
DATAVERSE = "https://contoso.crm4.dynamics.com"

SERVER = {
    "BUSINESS_CENTRAL_URL": BUSINESS_CENTRAL,
    "BUSINESS_CENTRAL_COMPANY_ID": COMPANY,
    "DATAVERSE_URL": DATAVERSE,
    "AzureWebJobsStorage__accountName": "contosostorage",
    "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
}
"""A function app in Azure whose managed identity may do everything: nothing in it is secret."""

MACHINE = {
    "BUSINESS_CENTRAL_URL": "http://127.0.0.1:8001",
    "BUSINESS_CENTRAL_COMPANY_ID": COMPANY,
    "BUSINESS_CENTRAL_TOKEN": SECRET,
    "DATAVERSE_URL": "http://localhost:8002",
    "DATAVERSE_TOKEN": SECRET,
    "AzureWebJobsStorage": f"DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey={SECRET}",
    "ServiceBusConnection": f"Endpoint=sb://localhost;SharedAccessKeyName=Root;SharedAccessKey={SECRET}",
}
"""The simulators on this machine, with fixed tokens and connection strings."""

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
ENTRA = {"API_ACCESS": "entra", "TENANT_ID": TENANT, "API_CLIENT_ID": CLIENT}
"""What else is needed to let callers in with Entra tokens."""
FRONT = {"APP_SERVICE_AUTHENTICATION": "true"}


@pytest.mark.parametrize("enabled", [{}, {"WEBSITE_AUTH_ENABLED": "True"}])
def test_entra_tokens_and_own_keys_can_be_let_in(enabled: dict[str, str]) -> None:
    settings = read_settings(SERVER | ENTRA | FRONT | enabled | {"API_KEYS": f"flow={SECRET}==; script = {SECRET}"})
    assert settings.app_service_authentication
    assert settings.keys_by_name == {"flow": f"{SECRET}==", "script": SECRET}


@pytest.mark.parametrize("environment", [SERVER, MACHINE, SERVER | {"TENANT_ID": "contoso.com", "CLIENT_ID": CLIENT}])
def test_these_settings_are_enough(environment: dict[str, str]) -> None:
    settings = read_settings(environment)
    assert settings.business_central_company_id == COMPANY
    assert settings.interval == timedelta(minutes=1)


def test_a_webhook_has_a_query() -> None:
    settings = read_settings(SERVER | {"NOTIFICATION_URL": f"https://flow.example/workflows/1?sig={SECRET}"})
    assert settings.notification_url is not None
    assert SECRET in settings.notification_url.get_secret_value()
    assert SECRET not in repr(settings)


# What is changed in the settings of the server, the setting that the sentence names, and what else it says.
WRONG = [
    ({"BUSINESS_CENTRAL_URL": None}, "BUSINESS_CENTRAL_URL", "is missing.*before /api/v2.0"),
    ({"BUSINESS_CENTRAL_COMPANY_ID": None}, "BUSINESS_CENTRAL_COMPANY_ID", "is missing.*GUID"),
    ({"DATAVERSE_URL": None}, "DATAVERSE_URL", "is missing.*crm4.dynamics.com"),
    ({"DATAVERSE_URL": "   "}, "DATAVERSE_URL", "is missing"),
    ({"DATAVERSE_URL": "contoso.crm4.dynamics.com"}, "DATAVERSE_URL", "an address like https://"),
    ({"DATAVERSE_URL": "ftp://contoso.crm4.dynamics.com"}, "DATAVERSE_URL", "an address like https://"),
    ({"DATAVERSE_URL": "http://contoso.crm4.dynamics.com"}, "DATAVERSE_URL", "begin with https://"),
    ({"DATAVERSE_URL": f"{DATAVERSE}?x={SECRET}"}, "DATAVERSE_URL", "without a query"),
    ({"BUSINESS_CENTRAL_URL": f"{BUSINESS_CENTRAL}#top"}, "BUSINESS_CENTRAL_URL", "without a query"),
    ({"DATAVERSE_URL": "https://[contoso"}, "DATAVERSE_URL", "an address like https://"),
    ({"DATAVERSE_URL": "https://contoso.crm4.dynamics.com:99999"}, "DATAVERSE_URL", "an address like https://"),
    ({"DATAVERSE_URL": f"https://me:{SECRET}@contoso.crm4.dynamics.com"}, "DATAVERSE_URL", "or a user"),
    ({"DATAVERSE_URL": f"{DATAVERSE}/api/data/v9.2"}, "DATAVERSE_URL", "must end before /api"),
    ({"BUSINESS_CENTRAL_URL": f"{BUSINESS_CENTRAL}/api/v2.0"}, "BUSINESS_CENTRAL_URL", "must end before /api"),
    ({"AzureWebJobsStorage": SECRET}, "AzureWebJobsStorage", "must be the connection string"),
    ({"AzureWebJobsStorage": "AccountName=contoso;AccountKey="}, "AzureWebJobsStorage", "AccountName=...;AccountKey"),
    ({"ServiceBusConnection": SECRET}, "ServiceBusConnection", "must be the connection string"),
    ({"ServiceBusConnection": "Endpoint=sb://contoso/;EntityPath=q"}, "ServiceBusConnection", "SharedAccessKeyName="),
    ({"BUSINESS_CENTRAL_COMPANY_ID": "CRONUS"}, "BUSINESS_CENTRAL_COMPANY_ID", "a GUID like"),
    ({"CLIENT_ID": "the app"}, "CLIENT_ID", "a GUID like"),
    ({"BUSINESS_CENTRAL_TOKEN": SECRET}, "BUSINESS_CENTRAL_TOKEN", "on this machine"),
    ({"DATAVERSE_TOKEN": SECRET}, "DATAVERSE_TOKEN", "on this machine"),
    ({"CLIENT_SECRET": SECRET, "CLIENT_ID": CLIENT}, "CLIENT_SECRET", "TENANT_ID"),
    ({"CLIENT_SECRET": SECRET, "TENANT_ID": "contoso.com"}, "CLIENT_SECRET", "CLIENT_ID"),
    ({"AzureWebJobsStorage__accountName": None}, "AzureWebJobsStorage", "is missing"),
    ({"AzureWebJobsStorage__tableServiceUri": "storage"}, "AzureWebJobsStorage__tableServiceUri", "an address"),
    ({"ServiceBusConnection__fullyQualifiedNamespace": None}, "ServiceBusConnection", "is missing"),
    ({"CONNECTION_ID": f"{SECRET} and a blank"}, "CONNECTION_ID", "must be 1 to 40 letters"),
    ({"OWNERSHIP_MODEL": "Nobody"}, "OWNERSHIP_MODEL", "must be 'Person' or 'Team'"),
    ({"API_ACCESS": "everybody"}, "API_ACCESS", "must be 'keys' or 'entra'"),
    ({"API_ACCESS": "entra", "TENANT_ID": TENANT}, "API_CLIENT_ID", "is missing"),
    ({**ENTRA, "TENANT_ID": "contoso.com"}, "TENANT_ID", "must be a GUID"),
    ({"API_KEYS": f"flow={SECRET}"}, "API_KEYS", "is for API_ACCESS entra"),
    ({"APP_SERVICE_AUTHENTICATION": "true"}, "APP_SERVICE_AUTHENTICATION", "is for API_ACCESS entra"),
    ({**ENTRA, "APP_SERVICE_AUTHENTICATION": "maybe"}, "APP_SERVICE_AUTHENTICATION", "must be true or false"),
    ({**ENTRA, **FRONT, "WEBSITE_AUTH_ENABLED": "False"}, "APP_SERVICE_AUTHENTICATION", "anybody could say"),
    ({**ENTRA, "API_KEYS": SECRET}, "API_KEYS", "must be NAME=KEY"),
    ({**ENTRA, "API_KEYS": f"flow={SECRET};flow={SECRET}"}, "API_KEYS", "must be NAME=KEY"),
    ({**ENTRA, "API_KEYS": "flow=short"}, "API_KEYS", "at least 20 characters"),
    ({**ENTRA, "ENTRA_AUTHORITY": "http://login.example"}, "ENTRA_AUTHORITY", "begin with https://"),
    ({"SYNC_INTERVAL_MINUTES": "0"}, "SYNC_INTERVAL_MINUTES", "must be at least 0.01"),
    ({"SYNC_INTERVAL_MINUTES": "nan"}, "SYNC_INTERVAL_MINUTES", "must be at most 10080"),
    ({"SYNC_INTERVAL_MINUTES": "10081"}, "SYNC_INTERVAL_MINUTES", "must be at most 10080"),
    ({"SYNC_PAGE_SIZE": "many"}, "SYNC_PAGE_SIZE", "must be a whole number"),
    ({"SYNC_PAGE_SIZE": "20001"}, "SYNC_PAGE_SIZE", "must be at most 20000"),
    ({"SYNC_SLICE_SECONDS": "541"}, "SYNC_SLICE_SECONDS", "must be at most 240"),
    ({"SYNC_SLICE_SECONDS": "1.5"}, "SYNC_SLICE_SECONDS", "must be a whole number"),
    ({"NOTIFICATION_URL": SECRET}, "NOTIFICATION_URL", "an address like https://"),
    ({"NOTIFICATION_URL": f"https://[flow/{SECRET}"}, "NOTIFICATION_URL", "an address like https://"),
    ({"NOTIFICATION_URL": f"http://flow.example/?sig={SECRET}"}, "NOTIFICATION_URL", "begin with https://"),
    ({"NOTIFICATION_FORMAT": "mail"}, "NOTIFICATION_FORMAT", "must be 'teams' or 'json'"),
    ({"NOTIFICATION_MINUTES": "0"}, "NOTIFICATION_MINUTES", "must be at least 1"),
    ({"NOTIFICATION_RECORDS": "some"}, "NOTIFICATION_RECORDS", "must be true or false"),
]


@pytest.mark.parametrize(("changes", "setting", "words"), WRONG, ids=[f"{setting}:{w}" for _, setting, w in WRONG])
def test_a_wrong_setting_is_one_sentence_that_names_it(
    changes: dict[str, str | None], setting: str, words: str
) -> None:
    environment = {name: value for name, value in {**SERVER, **changes}.items() if value is not None}

    with pytest.raises(SettingsError) as refused:
        read_settings(environment)

    sentence = str(refused.value)
    assert re.search(rf"\b{setting}\b.*{words}", sentence)
    assert sentence.startswith("The setting ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert SECRET not in sentence


def test_no_secret_is_shown_when_settings_are_printed() -> None:
    settings = read_settings(MACHINE)
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_addresses_lose_their_last_slash_and_values_their_blanks() -> None:
    settings = read_settings(SERVER | {"DATAVERSE_URL": f" {DATAVERSE}/ "})
    assert settings.dataverse_url == DATAVERSE


def test_what_is_no_setting_of_the_app_is_nobodys_business() -> None:
    assert read_settings(SERVER | {"PATH": "/bin", "dataverse_url": "x"}) == read_settings(SERVER)


def test_the_sample_needs_only_the_placeholders_replaced() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"]
    filled = sample | {"CLIENT_SECRET": SECRET, "DATAVERSE_URL": DATAVERSE, "BUSINESS_CENTRAL_URL": BUSINESS_CENTRAL}
    assert read_settings(filled).client_secret is not None


# Further connections

OTHER_COMPANY = "11111111-480d-51e2-b41a-32326d131495"
NORTH = {"name": "NORTH", "business_central_company_id": OTHER_COMPANY}
FAR = {**NORTH, "dataverse_url": "https://north.crm4.dynamics.com", "client_id": CLIENT}


def further(*connections: object) -> dict[str, str]:
    return {"CONNECTIONS": json.dumps(list(connections))}


def test_a_further_connection_is_the_default_one_with_some_things_replaced() -> None:
    environment = SERVER | {"TENANT_ID": TENANT, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET}
    default, north = read_all_settings(environment | further(NORTH))
    assert (default.connection, north.connection) == ("default", "NORTH")
    assert (north.business_central_company_id, north.dataverse_url) == (OTHER_COMPANY, DATAVERSE)
    assert north.client_secret == default.client_secret


def test_a_connection_with_credentials_of_its_own_takes_none_of_the_default_one() -> None:
    environment = SERVER | {"TENANT_ID": TENANT, "CLIENT_ID": COMPANY, "CLIENT_SECRET": SECRET}
    _, north = read_all_settings(environment | further(FAR))
    assert (north.client_id, north.client_secret, north.tenant_id) == (CLIENT, None, TENANT)
    reference = {**FAR, "client_secret_setting": "NORTH_SECRET"}
    _, north = read_all_settings(environment | further(reference) | {"NORTH_SECRET": f"{SECRET}-2"})
    assert north.client_secret is not None
    assert north.client_secret.get_secret_value() == f"{SECRET}-2"


def test_the_names_in_the_web_client_are_not_taken_from_another_company() -> None:
    names = {"BUSINESS_CENTRAL_COMPANY_NAME": "CRONUS", "BUSINESS_CENTRAL_WEB_CLIENT": "https://bc.example/Production"}
    _, north = read_all_settings(SERVER | names | further(NORTH))
    assert (north.business_central_company_name, north.business_central_web_client) == (
        None,
        "https://bc.example/Production",
    )


# What CONNECTIONS holds, and what the sentence says.
WRONG_CONNECTIONS: list[tuple[object, str]] = [
    ("NORTH", "it must be JSON"),
    ('{"name": "NORTH"}', "a list of objects"),
    (["NORTH"], "a list of objects"),
    ([{"name": "NORTH"}], "connection NORTH: business_central_company_id is missing"),
    ([{"business_central_company_id": COMPANY}], "connection no. 1: name is missing"),
    ([NORTH, {**NORTH, "name": "two words"}], "connection two words: name must be 1 to 30 letters, digits, - and _"),
    ([{**NORTH, "name": "x" * 31}], "connection no. 1: name must be 1 to 30"),
    ([{**NORTH, "name": 7}], "connection no. 1: name must be a text"),
    ([{**NORTH, "business_central_company_id": "CRONUS"}], "NORTH: business_central_company_id must be a GUID"),
    ([{**NORTH, "dataverse_url": "north"}], "NORTH: dataverse_url must be an address"),
    ([{**NORTH, "dataverse_url": f"{DATAVERSE}/api/data/v9.2"}], "NORTH: dataverse_url must end before /api"),
    ([{**NORTH, "client_id": "me"}], "NORTH: client_id must be a GUID"),
    ([{**NORTH, "ownership_model": "Nobody"}], "NORTH: ownership_model must be 'Person' or 'Team'"),
    ([{**NORTH, "client_secret": SECRET}], "NORTH: client_secret must not stand here.*as client_secret_setting"),
    ([{**NORTH, "colour": "blue"}], "NORTH: colour is unknown; the members are name,"),
    ([{**FAR, "client_secret_setting": "NOWHERE"}], "NORTH: client_secret_setting names the setting NOWHERE, which is"),
    (
        [{**NORTH, "client_secret_setting": "NORTH_SECRET"}],
        "NORTH: client_secret_setting needs tenant_id and client_id",
    ),
    ([{**NORTH, "dataverse_token_setting": "NORTH_SECRET"}], "NORTH: dataverse_token_setting is for simulators"),
    ([NORTH, {**FAR, "name": "north"}], "two connections have the name north"),
    ([{**NORTH, "name": "Default"}], "two connections have the name Default"),
    ([{**NORTH, "business_central_company_id": COMPANY.upper()}], "default and NORTH have the same company"),
]


@pytest.mark.parametrize(("given", "words"), WRONG_CONNECTIONS, ids=[words for _, words in WRONG_CONNECTIONS])
def test_a_wrong_connection_is_one_sentence_that_names_it_and_the_member(given: object, words: str) -> None:
    text = given if isinstance(given, str) else json.dumps(given)

    with pytest.raises(SettingsError) as refused:
        read_all_settings(SERVER | {"CONNECTIONS": text, "NORTH_SECRET": SECRET})

    sentence = str(refused.value)
    assert sentence.startswith("The setting CONNECTIONS is wrong: ")
    assert re.search(words, sentence)
    assert sentence.endswith(".")
    assert SECRET not in sentence


def test_no_secret_of_a_connection_is_shown_when_settings_are_printed() -> None:
    environment = {**SERVER, "TENANT_ID": TENANT, "NORTH_SECRET": SECRET}
    every = read_all_settings(environment | further({**FAR, "client_secret_setting": "NORTH_SECRET"}))
    assert SECRET not in f"{every!r} {[one.model_dump_json() for one in every]}"
