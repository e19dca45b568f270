"""The vaulted payment methods. Their names are the simulator's own: PayPal has none such."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from groat.simulator.calls import split_token
from groat.simulator.paypal.errors import Problem, unprocessable

APPROVED = "0000"
"""The processor's response code for an approved payment."""


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A vaulted card, and what comes of it when it is used.

    ``response_code`` is what the processor says when it is authorized or captured at once, and
    ``capture_code`` when what was authorized is captured.
    """

    response_code: str = APPROVED
    capture_code: str = APPROVED
    refused: bool = False
    """Whether PayPal refuses the whole order (422), instead of recording a declined capture."""
    payer_action: bool = False
    """Whether the payer has to approve the order first."""
    pending: bool = False
    """Whether captures are pending until they are completed or denied."""
    refunds_pending: bool = False
    """Whether refunds are pending until they are completed or have failed."""
    disputed: bool = False
    """Whether the payer disputes a capture as soon as it is made."""


_METHODS = MappingProxyType(
    {
        "vault_visa": PaymentMethod(),
        "vault_declined": PaymentMethod("0500"),
        "vault_insufficient_funds": PaymentMethod("5120"),
        "vault_instrument_declined": PaymentMethod(refused=True),
        "vault_capture_declined": PaymentMethod(capture_code="5120"),
        "vault_payer_action": PaymentMethod(payer_action=True),
        "vault_payer_action_declined": PaymentMethod("0500", payer_action=True),
        "vault_payer_action_refused": PaymentMethod(refused=True, payer_action=True),
        "vault_pending": PaymentMethod(pending=True),
        "vault_refund_pending": PaymentMethod(refunds_pending=True),
        "vault_dispute": PaymentMethod(disputed=True),
    }
)

INSTRUMENT_DECLINED = Problem(
    "INSTRUMENT_DECLINED",
    "The instrument presented was either declined by the processor or bank, or it can't be used"
    " for this payment.",
)


def find_payment_method(token: str) -> PaymentMethod:
    """Return the payment method that ``token`` stands for.

    One that asks for a fault, such as ``vault_visa_fault_cut_after``, is a method like any other.

    Raises:
        PayPalError: There is no such token.
    """
    name, _ = split_token(token)
    method = _METHODS.get(name)
    if method is None:
        raise unprocessable(
            "TOKEN_ID_NOT_FOUND",
            "Specified token_id was not found.",
            "/payment_source/token/id",
        )
    return method
