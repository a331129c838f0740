"""What the app needs beside itself, as parts of the local stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.child import ROOT


@dataclass(frozen=True)
class Service:
    """What the app needs and which settings tell it where: setting name to the announced fact, the address first."""

    part: str
    settings: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    keep: str = ""
    """The argument by which it is told a file or folder that keeps its state while it is stopped."""
    label: str = ""
    """What it is called where it is not the only one of its kind."""

    @property
    def address(self) -> str:
        """The setting that, when given, leaves this part out."""
        return next(iter(self.settings))

    @property
    def name(self) -> str:
        """What people call it."""
        return self.label or self.part


SERVICES = (
    Service("azurite", {"AzureWebJobsStorage": "connection_string"}, keep="--location"),
    Service(
        "service_bus",
        {"ServiceBusConnection": "connection_string"},
        ("--config", str(ROOT / "infra/local/service-bus-config.json")),
        keep="--state",
    ),
    Service("dataverse", {"DATAVERSE_URL": "url", "DATAVERSE_TOKEN": "token"}),
    Service(
        "business_central",
        {
            "BUSINESS_CENTRAL_URL": "url",
            "BUSINESS_CENTRAL_COMPANY_ID": "company_id",
            "BUSINESS_CENTRAL_TOKEN": "token",
        },
    ),
)
