"""The sample company: some hundreds of customers, vendors and contacts, partly in both systems."""

from infra.local.demo_company.expected import Expected, expected
from infra.local.demo_company.load import load

__all__ = ["Expected", "expected", "load"]
