"""The payment methods. The names of vaulted methods are the simulator's own, not PayPal's."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from groat.simulator.calls import split_token
from groat.simulator.paypal.errors import RequestProblem, unprocessable
from groat.simulator.paypal.requests import PaymentSource

APPROVED = "0000"
"""The processor's response code for an approved payment."""


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A card or a PayPal account, and the results of its use.

    ``response_code`` is the processor's response to an authorization or an immediate capture.
    ``capture_code`` is its response to a capture of an authorization.
    """

    kind: Literal["card", "paypal"] = "card"
    response_code: str = APPROVED
    capture_code: str = APPROVED
    refused: bool = False
    """Whether PayPal refuses the whole order (422), instead of recording a declined capture."""
    payer_action: bool = False
    """Whether the payer must approve the order first."""
    pending: bool = False
    """Whether captures are pending until they are completed or denied."""
    refunds_pending: bool = False
    """Whether refunds are pending until they are completed or have failed."""
    disputed: bool = False
    """Whether the payer disputes a capture at once."""


METHODS = MappingProxyType(
    {
        "vault_visa": SavedMethod(),
        "vault_declined": SavedMethod(response_code="0500"),
        "vault_insufficient_funds": SavedMethod(response_code="5120"),
        "vault_instrument_declined": SavedMethod(refused=True),
        "vault_capture_declined": SavedMethod(capture_code="5120"),
        "vault_payer_action": SavedMethod(payer_action=True),
        "vault_payer_action_declined": SavedMethod(response_code="0500", payer_action=True),
        "vault_payer_action_refused": SavedMethod(refused=True, payer_action=True),
        "vault_pending": SavedMethod(pending=True),
        "vault_refund_pending": SavedMethod(refunds_pending=True),
        "vault_dispute": SavedMethod(disputed=True),
        "vault_wallet": SavedMethod("paypal"),
        "vault_wallet_declined": SavedMethod("paypal", refused=True),
        "vault_wallet_pending": SavedMethod("paypal", pending=True),
    }
)
"""The vaulted methods by their ids."""

_SIGNED_IN = SavedMethod("paypal", payer_action=True)
"""The PayPal account that the payer signs in with."""

INSTRUMENT_DECLINED = RequestProblem(
    "INSTRUMENT_DECLINED",
    "The instrument presented was either declined by the processor or bank, or it can't be used"
    " for this payment.",
)


def find_payment_method(source: PaymentSource | None) -> SavedMethod:
    """Return the payment method of an order.

    A vaulted method that names a fault, such as ``vault_visa_fault_cut_after``, is the same method
    without the fault.

    Raises:
        PayPalError: There is no such vaulted payment method, or it is of another kind.
    """
    if source is None or source.used.vault_id is None:
        return _SIGNED_IN
    name, _ = split_token(source.used.vault_id)
    method = METHODS.get(name)
    kind = "card" if source.card else "paypal"
    field = f"/payment_source/{kind}/vault_id"
    if method is None:
        message = "The specified Vault ID is invalid or could not be found."
        raise unprocessable("INVALID_VAULT_ID", message, field)
    if method.kind != kind:
        message = "The vault_id does not match the payment_source provided."
        raise unprocessable("MISMATCHED_VAULT_ID_TO_PAYMENT_SOURCE", message, field)
    return method
