"""The page of the simulators' test tokens, from the simulators' own tables."""

from __future__ import annotations

from collections.abc import Iterator

from groat.simulator.paypal.vault import APPROVED, METHODS, SavedMethod
from groat.simulator.stripe.cards import CARDS, StripeCard

_PAGE = """\
# Test tokens

What the simulators do with each `payment_method`. Generated from their tables.

## Stripe

| `payment_method` | what happens |
|---|---|
{stripe}
| `pm_usBankAccount_success` | A bank debit: it succeeds days later, when the simulator is told. |

## PayPal

Without a `payment_method`, the customer approves on PayPal's page.

| `payment_method` | what happens |
|---|---|
{paypal}

Add `_fault_` and a fault to a token for a failing call, such as `pm_card_visa_fault_cut_after`;
see [simulators](../simulators.md).
"""


def tokens_page() -> str:
    """Return the page."""
    cards = [f"| `pm_card_{name}` | {_text(_of_card(one))} |" for name, one in CARDS.items()]
    vault = [f"| `{one.kind}:{name}` | {_text(_of_method(one))} |" for name, one in METHODS.items()]
    return _PAGE.format(stripe="\n".join(cards), paypal="\n".join(vault))


def _text(parts: Iterator[str]) -> str:
    return " ".join(parts) or "It succeeds."


def _of_card(card: StripeCard) -> Iterator[str]:
    if card.authenticates:
        yield "The customer must pass 3-D Secure first."
    if card.decline is not None:
        yield f"It is declined: `{card.decline.decline_code or card.decline.code}`."
    if card.disputed != "never":
        yield f"It succeeds, and the customer opens a {card.disputed} at once."
    if card.instant:
        yield "It succeeds, and the money is available at once."
    if card.refunds == "fail_later":
        yield "It succeeds; a refund succeeds and fails later."
    if card.refunds == "succeed_later":
        yield "It succeeds; a refund is pending first."


def _of_method(method: SavedMethod) -> Iterator[str]:
    if method.payer_action:
        yield "The customer must approve first."
    if method.refused:
        yield "PayPal refuses the order."
    if method.response_code != APPROVED:
        yield f"It is declined with processor response `{method.response_code}`."
    if method.capture_code != APPROVED:
        yield f"Captures of an authorization are declined with `{method.capture_code}`."
    if method.pending:
        yield "Captures are pending until they are completed or denied."
    if method.refunds_pending:
        yield "Refunds are pending until they are completed or have failed."
    if method.disputed:
        yield "It succeeds, and the customer disputes it at once."
