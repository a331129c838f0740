"""An issuer of tokens on this machine, as Microsoft Entra ID is one: metadata, keys, and tokens signed with them."""

from __future__ import annotations

import time
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
APP = "9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c11"
SOMEBODY = "5b5450db-eb26-4c1a-981c-ba1d25f0483d"


class Issuer:
    """One tenant. `requests` counts what was asked of it; `down` makes it answer 503."""

    def __init__(self) -> None:
        self.requests = 0
        self.down = False
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self.rotate("first")

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.authority = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def name(self) -> str:
        """The issuer as tokens have it."""
        return f"{self.authority}/{TENANT}/v2.0"

    def rotate(self, key_id: str) -> None:
        """Sign with a new key from now on; the old ones are published still."""
        self._keys[key_id] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = key_id

    def token(self, *roles: str, key_id: str | None = None, algorithm: str = "RS256", **changes: Any) -> str:
        """An access token of version 2.0 with these roles; a claim that is changed to None is left out."""
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": APP,
            "tid": TENANT,
            "azp": "e1b1ac60-2b4f-4b0e-9b7e-7a2f5d4b6a10",
            "ver": "2.0",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "oid": SOMEBODY,
            "sub": "pairwise",
            "name": "Adele Vance",
            **({"roles": list(roles)} if roles else {}),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        keys = {"RS256": self._keys[self.key_id], "HS256": "a word that is long enough to sign with it", "none": None}
        return jwt.encode(claims, keys[algorithm], algorithm=algorithm, headers={"kid": key_id or self.key_id})

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.requests += 1
        if self.down:
            return web.Response(status=503)
        if request.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            return web.json_response({"issuer": self.name, "jwks_uri": f"{self.authority}/{TENANT}/keys"})
        if request.path == f"/{TENANT}/keys":
            return web.json_response({"keys": [self._published(key_id) for key_id in self._keys]})
        return web.Response(status=404)

    def _published(self, key_id: str) -> dict[str, Any]:
        public: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self._keys[key_id].public_key(), as_dict=True)
        return {**public, "kid": key_id, "use": "sig"}
