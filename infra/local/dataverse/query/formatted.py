"""Values as a person of the en-US locale reads them: the FormattedValue annotation."""

from __future__ import annotations

from datetime import date
from typing import Any

from infra.local.dataverse.schema.model import Column, Kind
from infra.local.dataverse.values import moment_of


def formatted(column: Column, value: Any, symbol: str) -> str | None:
    """Answer the formatted value of a stored value, None for values that have none (texts, GUIDs)."""
    kind = column.kind
    if value is None or kind.is_text or kind is Kind.GUID:
        return None
    if kind.is_choice or kind is Kind.BOOLEAN:
        return column.options.get(int(value), str(value))
    if kind is Kind.DATETIME:
        return _moment(value)
    if kind is Kind.DATE:
        return _day(date.fromisoformat(value))
    if kind is Kind.MONEY:
        return f"{symbol}{value:,.2f}" if value >= 0 else f"({symbol}{-value:,.2f})"
    if kind in (Kind.DECIMAL, Kind.DOUBLE):
        return f"{value:,.{column.precision}f}"
    return f"{value:,}"


def _moment(seconds: float) -> str:
    moment = moment_of(seconds)
    hour = moment.hour % 12 or 12
    return f"{_day(moment.date())} {hour}:{moment.minute:02} {'AM' if moment.hour < 12 else 'PM'}"


def _day(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"
