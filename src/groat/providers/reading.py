"""Reading what a provider sent: documented fields or nothing."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, StringConstraints

from groat.kernel import ids
from groat.kernel.errors import NotFound
from groat.kernel.ids import PaymentId

EventText: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]
"""An event's id or type. Many accounts' events are stored with one statement, so none of them may
hold what PostgreSQL refuses, such as NUL."""


class Payload(BaseModel):
    """A provider's object: only the fields that we read; others may come and go."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def own_payment_id(text: str | None) -> PaymentId | None:
    """Return our payment's id as the provider gave it back, or None if this is not one."""
    try:
        return PaymentId(ids.parse("payment", text or ""))
    except NotFound:
        return None


def own_reference(payment_id: PaymentId) -> str:
    """Return the text under which a provider is told our payment's id."""
    return ids.render("payment", payment_id)


def active_values(setting: str | None) -> list[str]:
    """Return the values of a credential, of which there are two while it rotates."""
    return [value for value in (setting or "").split(",") if value]


def first_line(error: Exception) -> str:
    """Return what an error says in a line, without the payload that some errors repeat below."""
    return str(error).splitlines()[0]
