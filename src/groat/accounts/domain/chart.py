"""The chart of accounts: what an account is, and the codes that Groat gives its own.

A wallet is a liability: money that we owe to whoever it belongs to. What a provider holds for us,
what is in the bank and what somebody owes us are assets; a provider's fees are an expense.
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

_CODE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,99}", re.ASCII)
_OURS = frozenset({"clearing", "fees", "receivable", "bank"})

_MOST_METADATA = 50
_LONGEST_METADATA = 500


class AccountSpec(Value):
    """An account as it should be: its code, one currency, its normal side and its floor.

    ``floor`` is what the ledger's balance, less its holds, may not fall below; None is no limit.
    ``is_engine`` marks the engine's own accounts: facts move them, callers do not.
    """

    code: str
    currency: str
    normal_side: NormalSide
    floor: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    is_engine: bool = False


class Account(Value):
    """An account with its balance. ``posted`` and ``held`` are the ledger's: credits are positive.

    ``number`` is what its entries are filed under, ``version`` how many there are.
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
        """The balance that a person expects: positive on the account's normal side."""
        return as_expected(self.spec.normal_side, self.posted)

    @property
    def available(self) -> int:
        """The balance less what is held, with the same sign."""
        return as_expected(self.spec.normal_side, self.posted - self.held)


def as_expected(normal_side: NormalSide, posted: int) -> int:
    """Return a ledger amount with the sign that a person expects on such an account."""
    return posted if normal_side == "credit" else -posted


def opened(
    code: str,
    currency: str,
    normal_side: NormalSide = "credit",
    floor: int | None = None,
    metadata: Mapping[str, str] | None = None,
) -> AccountSpec:
    """Return an account that a merchant opens.

    Raises:
        InvalidRequest: ``unknown_currency``; ``invalid_account_code``, also for a code that begins
            as those that Groat gives; ``invalid_floor`` or ``invalid_metadata``.
    """
    money.require_current(currency)
    if not _CODE.fullmatch(code) or code.split(":", maxsplit=1)[0] in _OURS:
        raise InvalidRequest(
            "invalid_account_code",
            "A code is 1 to 100 of a-z, 0-9, '_', '.', ':' and '-', begins with a letter or "
            f"a digit, and is none of {', '.join(sorted(_OURS))} or below one of them.",
        )
    if floor is not None and (normal_side == "debit" or not -money.MAX_AMOUNT <= floor <= 0):
        raise InvalidRequest(
            "invalid_floor",
            "A floor is 0, or less where an overdraft is granted, and only for an account whose "
            "normal side is credit.",
        )
    return AccountSpec(code, currency, normal_side, floor, checked_metadata(metadata or {}))


def wallet(code: str, currency: str) -> AccountSpec:
    """Return a wallet, which cannot be overdrawn.

    Raises:
        InvalidRequest: as ``opened``.
    """
    return opened(code, currency, "credit", floor=0)


def checked_metadata(metadata: Mapping[str, str]) -> Mapping[str, str]:
    """Return ``metadata`` if it is small.

    Raises:
        InvalidRequest: ``invalid_metadata``.
    """
    if len(metadata) > _MOST_METADATA or any(
        not key or len(key) > _LONGEST_METADATA or len(value) > _LONGEST_METADATA
        for key, value in metadata.items()
    ):
        raise InvalidRequest(
            "invalid_metadata",
            f"Metadata has at most {_MOST_METADATA} names, and no name or value is longer than "
            f"{_LONGEST_METADATA} characters.",
        )
    return metadata


@lru_cache(maxsize=1024)
def clearing(provider_account_id: ProviderAccountId, currency: str) -> AccountSpec:
    """Return the account of what a provider has taken for us and not paid out yet."""
    return _own(currency, "clearing", ids.render("provider_account", provider_account_id))


@lru_cache(maxsize=1024)
def fees(provider_account_id: ProviderAccountId, currency: str) -> AccountSpec:
    """Return the account of what a provider has charged us."""
    return _own(currency, "fees", ids.render("provider_account", provider_account_id))


def receivable(currency: str) -> AccountSpec:
    """Return the account of what is owed to us: shortfalls of disputes."""
    return _own(currency, "receivable")


def bank(currency: str) -> AccountSpec:
    """Return the account of what providers have paid out to the bank."""
    return _own(currency, "bank")


def _own(currency: str, *parts: str) -> AccountSpec:
    return AccountSpec(":".join([*parts, currency.lower()]), currency, "debit", is_engine=True)
