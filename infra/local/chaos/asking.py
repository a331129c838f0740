"""Somebody who asks for one run after the other, as patiently as it takes while the host dies and comes back."""

from __future__ import annotations

import asyncio

from infra.local.chaos.company import MAPPING
from infra.local.demo.clients import App, DemoError, Row
from infra.local.functions_host.stopping import Stop

PAUSE = 0.3  # seconds


class Asking:
    """Asks the app over HTTP; `runs` counts the runs whose end was seen, `failures` what those that failed said."""

    def __init__(self, app: App) -> None:
        self.runs = 0
        self.failures: list[str] = []
        self._app = app

    async def synchronize(self) -> list[Row]:
        """One run from the question to its end; answers its jobs."""
        address = (await self.patiently("POST", f"/api/mappings/{MAPPING}/synchronize"))["address"]
        while True:
            jobs = list((await self.patiently("GET", address))["jobs"])
            if all(job["status"] in ("succeeded", "failed") for job in jobs):
                break
            await asyncio.sleep(PAUSE)
        self.runs += 1
        self.failures += [str(job["message"]) for job in jobs if job["status"] == "failed"]
        return jobs

    async def go_on(self, over: Stop) -> None:
        """One run after the other until it is over."""
        while not over.is_requested:
            await self.synchronize()

    async def patiently(self, method: str, path: str, body: object = None) -> Row:
        """The app's answer, asked for again while there is nobody to answer; `address` is where a 202 leads."""
        while True:
            try:
                answer = await self._app.send(method, path, body)
            except DemoError:
                await asyncio.sleep(PAUSE)
                continue
            return {"address": answer.headers.get("Location", ""), **answer.json()}
