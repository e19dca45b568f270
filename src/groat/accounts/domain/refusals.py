"""What a caller is told when the ledger refuses: the code, and a sentence with the figures."""

from __future__ import annotations

from uuid import UUID

from groat.accounts.domain.commands import Refusal, Refused
from groat.kernel import ids
from groat.kernel.errors import Conflict, Forbidden, GroatError, InvalidRequest, NotFound

_SENTENCES: dict[Refusal, tuple[type[GroatError], str]] = {
    Refusal.ACCOUNT_CLOSED: (Conflict, "Account {account} is closed."),
    Refusal.ACCOUNT_FROZEN: (Conflict, "Account {account} is frozen."),
    Refusal.ACCOUNT_NOT_FOUND: (NotFound, "There is no account {account}."),
    Refusal.BALANCE_TOO_LARGE: (
        Conflict,
        "Account {account} stands at {balance}; with {amount} it would pass what a balance can be.",
    ),
    Refusal.CURRENCY_MISMATCH: (
        InvalidRequest,
        "Account {account} is in {account_currency}, and this is in {currency}.",
    ),
    Refusal.ENGINE_ACCOUNT: (
        Forbidden,
        (
            "Account {account} belongs to the engine. Payments, refunds and disputes move it; a "
            "transfer or a hold needs an account of your own."
        ),
    ),
    Refusal.EXPIRES_IN_PAST: (InvalidRequest, "{expires_at} is past; a hold expires later."),
    Refusal.HOLD_EXCEEDED: (
        Conflict,
        "Of hold {hold} {remaining} remains; {amount} was asked for.",
    ),
    Refusal.HOLD_EXPIRED: (Conflict, "Hold {hold} expired at {expires_at}."),
    Refusal.HOLD_NOT_FOUND: (NotFound, "There is no hold {hold}."),
    Refusal.HOLD_NOT_OPEN: (Conflict, "Hold {hold} is {state}."),
    Refusal.ENGINE_HOLD: (Conflict, "Hold {hold} belongs to the engine, which ends it."),
    Refusal.INSUFFICIENT_FUNDS: (
        Conflict,
        "Account {account} has {available} available and a floor of {floor}; asked was {amount}.",
    ),
    Refusal.LINKED_REFUSED: (
        Conflict,
        "Item {refused} of the same linked request was refused, so nothing of it was done.",
    ),
    Refusal.REFERENCE_REUSED: (
        Conflict,
        "Reference {reference} came before with other content; something new needs a new one.",
    ),
    Refusal.SAME_ACCOUNT: (InvalidRequest, "Hold {hold} is on account {account} already."),
}


def as_error(refused: Refused) -> GroatError:
    """Return the error that says what was refused and why."""
    error, sentence = _SENTENCES[refused.refusal]
    figures = {
        name: ids.render(name, figure) if isinstance(figure, UUID) else figure
        for name, figure in refused.figures.items()
    }
    return error(refused.refusal.value, sentence.format_map(figures))
