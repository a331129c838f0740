"""Who is let in, on every endpoint: keys checked by the host, and Entra tokens checked by the app."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from functions.api.operation import Operation
from functions.routes import operations
from shared.adapters.entra import EntraTokens
from shared.core.access import Role
from shared.services.access import EntraAccess, KeysAtTheHost
from tests.issuer import APP, SOMEBODY, TENANT, Issuer
from tests.unit.functions.api import BY_NAME, Answered, Api
from tests.world import World

KEY = "a-key-of-at-least-twenty-characters"
OTHER_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
ROLES = list(Role)
OPERATIONS = operations()
EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)


@pytest.fixture(scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def tokens(issuer: Issuer) -> EntraTokens:
    return EntraTokens(issuer.authority, TENANT, APP)


@pytest.fixture
def access(tokens: EntraTokens) -> EntraAccess:
    return EntraAccess(TENANT, tokens, True, {"flow": KEY})


@pytest.fixture
def api(access: EntraAccess) -> Api:
    return Api(World(), access)


def principal(*roles: str, tenant: str = TENANT, provider: str = "aad", role_type: str = "roles") -> str:
    """The header that App Service authentication writes."""
    claims = [
        ("http://schemas.microsoft.com/identity/claims/tenantid", tenant),
        ("http://schemas.microsoft.com/identity/claims/objectidentifier", SOMEBODY),
        ("name", "Adele Vance"),
        *((role_type, role) for role in roles),
    ]
    body = {"auth_typ": provider, "name_typ": "name", "role_typ": role_type}
    body |= {"claims": [{"typ": kind, "val": value} for kind, value in claims]}
    return base64.b64encode(json.dumps(body).encode()).decode()


async def ask(api: Api, operation: Operation, **headers: str) -> Answered:
    """Ask for something harmless: where a body is needed it changes nothing."""
    path = {name: "CUSTOMER" if name == "mapping" else "0" for name in re.findall(r"{(\w+)}", operation.route)}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.call(operation, path, headers=sent, body={} if operation.body else None)


def let_in(answered: Answered) -> bool:
    return answered.status not in (401, 403)


@EACH
@pytest.mark.parametrize("role", [*ROLES, None, "Owner"])
async def test_a_token_opens_what_its_role_may_do(
    api: Api, issuer: Issuer, operation: Operation, role: str | None
) -> None:
    answered = await ask(api, operation, authorization=f"Bearer {issuer.token(*([role] if role else []))}")
    expected = role in ROLES and ROLES.index(Role(role)) >= ROLES.index(operation.role)
    assert let_in(answered) is expected
    if not expected:
        assert (answered.status, answered.code) == (403, "role_missing")
        assert operation.role in answered.json["detail"]


# What is wrong with a token, made by the issuer or not, and a word of the sentence that says so.
BAD_TOKENS: list[tuple[str, dict[str, Any], str]] = [
    ("expired", {"exp": int(time.time()) - 3600}, "expired"),
    ("from the future", {"nbf": int(time.time()) + 3600}, "not valid yet"),
    ("without an end", {"exp": None}, "no access token"),
    ("an id token", {"azp": None}, "no access token"),
    ("of another audience", {"aud": "00000003-0000-0000-c000-000000000000"}, "another app"),
    ("without an audience", {"aud": None}, "no access token"),
    ("of another issuer", {"iss": f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"}, "tenant"),
    ("of version 1.0", {"iss": f"https://sts.windows.net/{TENANT}/"}, "version 2.0"),
    ("of another tenant", {"tid": OTHER_TENANT}, "tenant"),
    ("without a tenant", {"tid": None}, "tenant"),
    ("of an unknown key", {"key_id": "nobody's"}, "not signed"),
    ("signed with a word", {"algorithm": "HS256"}, "in a way"),
    ("not signed", {"algorithm": "none"}, "in a way"),
]


@EACH
@pytest.mark.parametrize(("changes", "words"), [row[1:] for row in BAD_TOKENS], ids=[row[0] for row in BAD_TOKENS])
async def test_no_endpoint_takes_a_token_that_is(
    api: Api, issuer: Issuer, operation: Operation, changes: dict[str, Any], words: str
) -> None:
    token = issuer.token(Role.ADMINISTRATOR, **changes)
    refused = await ask(api, operation, authorization=f"Bearer {token}", x_functions_key=KEY)
    assert (refused.status, refused.code) == (401, "invalid_token"), "the good key beside it does not help"
    assert words in refused.json["detail"]
    assert refused.headers["www-authenticate"] == "Bearer"
    assert token not in refused.text


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.", "\x7f" * 9, "ä.ö.ü", "\udcff.e30.e30"])
async def test_what_is_no_token_is_refused(api: Api, token: str) -> None:
    refused = await ask(api, OPERATIONS[0], authorization=f"Bearer {token}")
    assert (refused.status, refused.code) == (401, "invalid_token")


async def test_a_token_with_another_signature_is_refused(api: Api, issuer: Issuer) -> None:
    async with Issuer() as forger:
        token = forger.token(Role.ADMINISTRATOR, iss=issuer.name)
    refused = await ask(api, OPERATIONS[0], authorization=f"Bearer {token}")
    assert refused.status == 401
    assert "signature" in refused.json["detail"]


@EACH
@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"authorization": "Basic YWJj"}, 401), ({"x_functions_key": "wrong"}, 401)],
    ids=["nothing", "a password", "a wrong key"],
)
async def test_no_endpoint_is_open(api: Api, operation: Operation, headers: dict[str, str], status: int) -> None:
    refused = await ask(api, operation, **headers)
    assert refused.status == status
    assert refused.code in ("not_signed_in", "invalid_key")


@EACH
async def test_a_key_of_the_app_opens_everything_by_header_or_address(api: Api, operation: Operation) -> None:
    assert let_in(await ask(api, operation, x_functions_key=KEY))


@pytest.mark.parametrize("key", ["ä" * 30, "\udcff", KEY + " ", KEY.upper()])
async def test_a_key_is_compared_letter_by_letter(api: Api, key: str) -> None:
    assert (await ask(api, OPERATIONS[0], x_functions_key=key)).code == "invalid_key"


async def test_a_key_may_stand_in_the_address(api: Api) -> None:
    assert (await api.call("list_jobs", query=f"code={KEY}")).status == 200


@EACH
@pytest.mark.parametrize("role", ROLES)
async def test_the_principal_of_app_service_authentication_counts_as_a_token(
    api: Api, operation: Operation, role: Role
) -> None:
    answered = await ask(api, operation, x_ms_client_principal=principal(role))
    assert let_in(answered) is (role.rank >= operation.role.rank)


@EACH
async def test_without_app_service_authentication_the_header_of_a_principal_is_nothing(
    tokens: EntraTokens, operation: Operation
) -> None:
    alone = Api(World(), EntraAccess(TENANT, tokens))
    refused = await ask(alone, operation, x_ms_client_principal=principal(Role.ADMINISTRATOR))
    assert (refused.status, refused.code) == (401, "not_signed_in")


@pytest.mark.parametrize(
    "header",
    [
        principal(Role.ADMINISTRATOR, tenant=OTHER_TENANT),
        principal(Role.ADMINISTRATOR, tenant=""),
        principal(Role.ADMINISTRATOR, provider="google"),
        "not base64 at all",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"claims": 1}').decode(),
        base64.b64encode(b"\xff").decode(),
    ],
)
@EACH
async def test_no_endpoint_takes_a_foreign_or_broken_principal(api: Api, operation: Operation, header: str) -> None:
    refused = await ask(api, operation, x_ms_client_principal=header)
    assert (refused.status, refused.code) == (401, "invalid_token")


async def test_the_roles_of_a_principal_may_have_the_long_claim_name(api: Api) -> None:
    long_name = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    assert let_in(await ask(api, OPERATIONS[0], x_ms_client_principal=principal("Reader", role_type=long_name)))


# What a browser says of the page that asks, and whether a change is then made in the name of who is signed in.
PAGES = [
    ({}, True),
    ({"sec_fetch_site": "same-origin", "origin": "https://sync.example"}, True),
    ({"sec_fetch_site": "none"}, True),
    ({"sec_fetch_site": "cross-site", "origin": "https://evil.example"}, False),
    ({"sec_fetch_site": "same-site", "origin": "https://other.sync.example"}, False),
    ({"origin": "https://evil.example"}, False),
    ({"origin": "null"}, False),
]


@pytest.mark.parametrize(("headers", "allowed"), PAGES)
@EACH
async def test_a_page_of_another_site_changes_nothing_with_a_session(
    api: Api, operation: Operation, headers: dict[str, str], allowed: bool
) -> None:
    answered = await ask(api, operation, x_ms_client_principal=principal(Role.ADMINISTRATOR), **headers)
    assert let_in(answered) is (allowed or operation.method == "GET")
    if not let_in(answered):
        assert answered.code == "cross_site"


async def test_a_page_of_another_site_may_use_a_token(api: Api, issuer: Issuer) -> None:
    headers = {"origin": "https://flows.example", "sec_fetch_site": "cross-site"}
    token = issuer.token(Role.OPERATOR)
    assert let_in(await ask(api, BY_NAME["synchronize_all"], authorization=f"Bearer {token}", **headers))


@pytest.mark.parametrize(
    ("headers", "asker"),
    [
        ({"x_functions_key": KEY}, "function key: flow"),
        ({"x_ms_client_principal": principal(Role.OPERATOR)}, f"Adele Vance ({SOMEBODY})"),
    ],
)
async def test_a_job_tells_who_asked_for_it(api: Api, headers: dict[str, str], asker: str) -> None:
    started = await ask(api, BY_NAME["synchronize_mapping"], **headers)
    assert {job["requested_by"] for job in started.json["jobs"]} == {asker}


async def test_where_the_host_checks_keys_nothing_else_is_believed() -> None:
    caller = Api(World(), KeysAtTheHost())
    started = await ask(caller, BY_NAME["synchronize_mapping"], x_ms_client_principal=principal("Reader"))
    assert {job["requested_by"] for job in started.json["jobs"]} == {"function key"}


async def test_keys_of_the_issuer_are_fetched_once_and_again_when_they_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Issuer() as issuer:
        tokens = EntraTokens(issuer.authority, TENANT, APP)
        for _ in range(3):
            await tokens.claims(issuer.token())
        assert issuer.requests == 2, "metadata and keys"
        issuer.rotate("second")
        monkeypatch.setattr("shared.adapters.entra.PAUSE", 0.0)
        await tokens.claims(issuer.token())
        assert issuer.requests == 4


async def test_invented_keys_do_not_make_the_app_ask_the_issuer_each_time(api: Api) -> None:
    async with Issuer() as issuer:
        api.access = EntraAccess(TENANT, EntraTokens(issuer.authority, TENANT, APP))
        for number in range(5):
            token = issuer.token(Role.READER, key_id=f"invented {number}")
            assert (await ask(api, OPERATIONS[0], authorization=f"Bearer {token}")).status == 401
        assert issuer.requests == 2


async def test_an_issuer_that_does_not_answer_is_no_refusal(api: Api) -> None:
    async with Issuer() as issuer:
        api.access = EntraAccess(TENANT, EntraTokens(issuer.authority, TENANT, APP))
        issuer.down = True
        token = issuer.token(Role.READER)
        waiting = await ask(api, OPERATIONS[0], authorization=f"Bearer {token}")
        assert (waiting.status, waiting.code) == (503, "token")
        issuer.down = False
        assert let_in(await ask(api, OPERATIONS[0], authorization=f"Bearer {token}"))
