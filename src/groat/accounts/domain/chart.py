"""The chart of accounts: the definition of an account, and the engine's own accounts.

A wallet is a liability: its balance is money that we owe to its owner. Money that a provider holds
for us, money in the bank and money that is owed to us are assets. A provider's fees are an expense.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from groat.accounts.domain.ledger import AccountStatus, NormalSide
from groat.kernel import ids, money
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import AccountId, ProviderAccountId
from groat.kernel.value import Value, field

CODE_FORM = "^[a-z0-9][a-z0-9_.:-]{0,99}$"
"""Form of an account's code, as a regular expression."""
_CODE = re.compile(CODE_FORM, re.ASCII)
_RESERVED_CODES = frozenset(
    {
        *(
            "bank",
            "clearing",
            "conversion",
            "fees",
            "foreign",
            "fx_gain_loss",
            "in_transit",
            "loan",
        ),
        *("opening", "provider", "receivable", "reserve", "suspense", "tax"),
    }
)
"""First parts of the codes of the engine's accounts, repeated in ``checks.sql``."""

_MAX_METADATA_NAMES = 50
"""Maximum names in an account's metadata."""
_MAX_METADATA_CHARACTERS = 500
"""Maximum characters of a name or a value in an account's metadata."""


class AccountSpec(Value):
    """The definition of an account: its code, currency, normal side and floor.

    ``floor`` is the lowest value to which a command may take the posted balance less the holds.
    None means no limit. ``is_engine`` marks the engine's own accounts: facts post to them, callers
    cannot. ``balance_events`` asks for an event whenever the balance has changed.
    """

    code: str
    currency: str
    normal_side: NormalSide
    floor: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    is_engine: bool = False
    balance_events: bool = False


class Account(Value):
    """An account with its balance.

    ``posted`` is the sum of its entries with the ledger's sign: credits are positive. ``held`` is
    the sum of its open holds. ``number`` identifies the account in its entries, and ``version`` is
    the number of those entries.
    """

    id: AccountId
    number: int
    spec: AccountSpec
    status: AccountStatus
    posted: int
    held: int
    version: int
    created_at: datetime

    @property
    def balance(self) -> int:
        """The balance with the sign that people expect: positive on the account's normal side."""
        return as_expected(self.spec.normal_side, self.posted)

    @property
    def available(self) -> int:
        """The balance that would remain if all open holds were captured, with the same sign."""
        return as_expected(self.spec.normal_side, self.posted - self.held)


def as_expected(normal_side: NormalSide, posted: int) -> int:
    """Return a ledger amount with the sign that people expect on an account of this side."""
    return posted if normal_side == "credit" else -posted


def opened(
    code: str,
    currency: str,
    normal_side: NormalSide = "credit",
    floor: int | None = None,
    metadata: Mapping[str, str] | None = None,
) -> AccountSpec:
    """Check and return the definition of an account that a merchant opens.

    Raises:
        InvalidRequest: ``unknown_currency``; ``invalid_account_code``, also for a code such as
            ``fees:eur``, whose first part is reserved for the engine; ``invalid_floor`` or
            ``invalid_metadata``.
    """
    money.require_current(currency)
    if not _CODE.fullmatch(code) or code.split(":", maxsplit=1)[0] in _RESERVED_CODES:
        raise InvalidRequest(
            "invalid_account_code",
            "Use 1 to 100 characters from a-z, 0-9, '_', '.', ':' and '-', and begin with a letter "
            f"or a digit. The engine reserves {', '.join(sorted(_RESERVED_CODES))}, alone or "
            "before a ':'.",
        )
    if floor is not None and (normal_side == "debit" or not -money.MAX_AMOUNT <= floor <= 0):
        raise InvalidRequest(
            "invalid_floor",
            f"A floor must be from {-money.MAX_AMOUNT} to 0; a negative floor grants an overdraft. "
            "An account whose normal side is debit cannot have one.",
        )
    return AccountSpec(code, currency, normal_side, floor, checked_metadata(metadata or {}))


def wallet(code: str, currency: str) -> AccountSpec:
    """Return the definition of a wallet, which cannot be overdrawn.

    Raises:
        InvalidRequest: as ``opened``.
    """
    return opened(code, currency, "credit", floor=0)


def checked_metadata(metadata: Mapping[str, str]) -> Mapping[str, str]:
    """Return ``metadata`` if it is within the limits of size.

    Raises:
        InvalidRequest: ``invalid_metadata``.
    """
    if len(metadata) > _MAX_METADATA_NAMES or any(
        not key or len(key) > _MAX_METADATA_CHARACTERS or len(value) > _MAX_METADATA_CHARACTERS
        for key, value in metadata.items()
    ):
        raise InvalidRequest(
            "invalid_metadata",
            f"Metadata takes at most {_MAX_METADATA_NAMES} names. A name must have 1 to "
            f"{_MAX_METADATA_CHARACTERS} characters, a value at most {_MAX_METADATA_CHARACTERS}.",
        )
    return metadata


def clearing(provider_account_id: ProviderAccountId, currency: str) -> AccountSpec:
    """Return the clearing account: money that a provider took for us and has not paid out."""
    return at_provider("clearing", provider_account_id, currency)


def fees(provider_account_id: ProviderAccountId, currency: str) -> AccountSpec:
    """Return the account of the fees that a provider has charged us."""
    return at_provider("fees", provider_account_id, currency)


def receivable(currency: str) -> AccountSpec:
    """Return the account of money that is owed to us: the shortfalls of disputes."""
    return _engine_account(currency, "receivable")


def bank(currency: str) -> AccountSpec:
    """Return the account of money that providers have paid out to our bank."""
    return _engine_account(currency, "bank")


def conversion(currency: str) -> AccountSpec:
    """Return the account that stands between two currencies when a provider exchanges money."""
    return _engine_account(currency, "conversion")


def fx_gain_loss(currency: str) -> AccountSpec:
    """Return the account of gains and losses by exchange rates: a refund at another rate."""
    return _engine_account(currency, "fx_gain_loss")


@lru_cache(maxsize=4096)
def at_provider(purpose: str, provider_account_id: ProviderAccountId, currency: str) -> AccountSpec:
    """Return the engine's account for a purpose, of one provider account and currency.

    ``purpose`` is the first part of its code. ``provider`` mirrors the balance that the provider
    shows, ``reserve`` the part that it withholds. ``movements/domain/postings.py`` lists the
    others.
    """
    return _engine_account(currency, purpose, ids.render("provider_account", provider_account_id))


def _engine_account(currency: str, *parts: str) -> AccountSpec:
    return AccountSpec(":".join([*parts, currency.lower()]), currency, "debit", is_engine=True)
