"""The errors of refused commands: for each code, an error class and a sentence with figures."""

from __future__ import annotations

from uuid import UUID

from groat.accounts.domain.commands import CommandOutcome, HoldStands, Posted, Refusal, Refused
from groat.kernel import ids
from groat.kernel.errors import Conflict, Forbidden, GroatError, InvalidRequest, NotFound

_SENTENCES: dict[Refusal, tuple[type[GroatError], str]] = {
    Refusal.ACCOUNT_CLOSED: (Conflict, "Account {account} is closed."),
    Refusal.ACCOUNT_FROZEN: (Conflict, "Account {account} is frozen."),
    Refusal.ACCOUNT_NOT_FOUND: (NotFound, "There is no account {account}."),
    Refusal.BALANCE_TOO_LARGE: (
        Conflict,
        "The balance of account {account} is {balance}; an entry of {amount} makes it too large.",
    ),
    Refusal.CURRENCY_MISMATCH: (
        InvalidRequest,
        "Account {account} is in {account_currency}; it takes no amount in {currency}.",
    ),
    Refusal.ENGINE_ACCOUNT: (
        Forbidden,
        (
            "Account {account} belongs to the engine. Only payments, refunds and disputes post to "
            "it; use an account of your own."
        ),
    ),
    Refusal.EXPIRES_IN_PAST: (
        InvalidRequest,
        "The expiry time {expires_at} has passed; give a later one.",
    ),
    Refusal.HOLD_EXCEEDED: (
        Conflict,
        "{amount} exceeds the {remaining} that remain of hold {hold}.",
    ),
    Refusal.HOLD_EXPIRED: (Conflict, "Hold {hold} expired at {expires_at}."),
    Refusal.HOLD_NOT_FOUND: (NotFound, "There is no hold {hold}."),
    Refusal.HOLD_NOT_OPEN: (Conflict, "Hold {hold} is not open; it is {state}."),
    Refusal.ENGINE_HOLD: (Conflict, "Hold {hold} belongs to the engine; only the engine ends it."),
    Refusal.INSUFFICIENT_FUNDS: (
        Conflict,
        "Account {account} has {available} available and a floor of {floor}; {amount} is too much.",
    ),
    Refusal.LINKED_REFUSED: (
        Conflict,
        "Item {refused} (counted from 0) of this linked request was refused, so no item was done.",
    ),
    Refusal.REFERENCE_REUSED: (
        Conflict,
        "Reference {reference} was used with other content; use a new one for a new request.",
    ),
    Refusal.SAME_ACCOUNT: (
        InvalidRequest,
        "Hold {hold} is on account {account}; capture it to another account.",
    ),
}


def as_error(refused: Refused) -> GroatError:
    """Return the error for a refusal, with its figures in the message."""
    error, sentence = _SENTENCES[refused.refusal]
    figures = {
        name: ids.render(name, figure) if isinstance(figure, UUID) else figure
        for name, figure in refused.figures.items()
    }
    return error(refused.refusal.value, sentence.format_map(figures))


def posted(outcome: CommandOutcome) -> Posted:
    """Return the transaction that a command posted.

    Raises:
        GroatError: the command was refused.
    """
    if isinstance(outcome, Refused):
        raise as_error(outcome)
    assert isinstance(outcome, Posted)  # noqa: S101 - the outcome of a posting
    return outcome


def held(outcome: CommandOutcome) -> HoldStands:
    """Return the hold after a command.

    Raises:
        GroatError: the command was refused.
    """
    if isinstance(outcome, Refused):
        raise as_error(outcome)
    assert isinstance(outcome, HoldStands)  # noqa: S101 - the outcome of a hold command
    return outcome
