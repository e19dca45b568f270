"""The chart of accounts: what an account is, and the codes that Groat gives its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from groat.accounts.domain.ledger import NormalSide
from groat.kernel import ids, money
from groat.kernel.errors import InvalidRequest
from groat.kernel.ids import AccountId, ProviderAccountId

_CODE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,99}", re.ASCII)
_CLEARING = "clearing"


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """An account as it should be: its code, one currency, and its normal side."""

    code: str
    currency: str
    normal_side: NormalSide


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its balance. ``posted`` is the ledger's: credits minus debits."""

    id: AccountId
    spec: AccountSpec
    posted: int
    version: int
    created_at: datetime

    @property
    def balance(self) -> int:
        """The balance that a person expects: positive on the account's normal side."""
        return as_expected(self.spec.normal_side, self.posted)


def as_expected(normal_side: NormalSide, posted: int) -> int:
    """Return a ledger amount with the sign that a person expects on such an account."""
    return posted if normal_side == "credit" else -posted


def wallet(code: str, currency: str) -> AccountSpec:
    """Return a merchant's own account: money that we owe to whoever it belongs to.

    Raises:
        InvalidRequest: ``unknown_currency``, or ``invalid_account_code``, also for a code that
            begins as those that Groat gives.
    """
    money.exponent(currency)
    if not _CODE.fullmatch(code) or code.split(":", maxsplit=1)[0] == _CLEARING:
        raise InvalidRequest(
            "invalid_account_code",
            "A code is 1 to 100 of a-z, 0-9, '_', '.', ':' and '-', begins with a letter or "
            f"a digit, and is not {_CLEARING!r} or below it.",
        )
    return AccountSpec(code, currency, "credit")


def clearing(provider_account_id: ProviderAccountId, currency: str) -> AccountSpec:
    """Return the account of what a provider has taken for us and not paid out yet."""
    code = f"{_CLEARING}:{ids.render('provider_account', provider_account_id)}:{currency.lower()}"
    return AccountSpec(code, currency, "debit")
