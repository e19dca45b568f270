"""The vaulted payment methods. Their names are the simulator's own: PayPal has none such."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from groat.simulator.paypal.errors import Problem, unprocessable

APPROVED = "0000"
"""The processor's response code for an approved payment."""


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A vaulted card, and what the processor says when it is charged."""

    response_code: str = APPROVED
    refused: bool = False
    """Whether PayPal refuses the whole order (422), instead of recording a declined capture."""


_METHODS = MappingProxyType(
    {
        "vault_visa": PaymentMethod(),
        "vault_declined": PaymentMethod("0500"),
        "vault_insufficient_funds": PaymentMethod("5120"),
        "vault_instrument_declined": PaymentMethod(refused=True),
    }
)

INSTRUMENT_DECLINED = Problem(
    "INSTRUMENT_DECLINED",
    "The instrument presented was either declined by the processor or bank, or it can't be used"
    " for this payment.",
)


def find_payment_method(token: str) -> PaymentMethod:
    """Return the payment method that ``token`` stands for.

    Raises:
        PayPalError: There is no such token.
    """
    method = _METHODS.get(token)
    if method is None:
        raise unprocessable(
            "TOKEN_ID_NOT_FOUND",
            "Specified token_id was not found.",
            "/payment_source/token/id",
        )
    return method
