"""The locked state on which facts are decided. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groat.kernel.ids import DisputeId, PaymentId, RefundId
from groat.kernel.value import Value, field
from groat.payments.domain.arrival import Arrival
from groat.payments.domain.dispute import Dispute
from groat.payments.domain.effect import EffectKey, capture_key
from groat.payments.domain.operation import Operation, OperationKind
from groat.payments.domain.payment import Payment
from groat.payments.domain.refund import Refund


class Standing(Value):
    """The locked payments of some arrivals, with their operations, refunds, disputes and effects.

    ``operations`` has open operations only. ``effects`` has the effects of the arrivals, and the
    captures that they name, which were applied before; each with its payment.
    """

    payments: Mapping[PaymentId, Payment]
    operations: Mapping[PaymentId, Sequence[Operation]] = field(default_factory=dict)
    refunds: Mapping[RefundId, Refund] = field(default_factory=dict)
    disputes: Mapping[DisputeId, Dispute] = field(default_factory=dict)
    effects: Mapping[EffectKey, PaymentId] = field(default_factory=dict)

    def payment_of(self, arrival: Arrival) -> Payment | None:
        """Return the payment of an arrival, None unless it was tried with the arrival's account."""
        payment_id = arrival.report.payment_id
        if payment_id is None:
            capture = capture_key(arrival)
            payment_id = None if capture is None else self.effects.get(capture)
        payment = None if payment_id is None else self.payments.get(payment_id)
        if payment is None or not payment.was_tried_with(arrival.provider_account_id):
            return None
        return payment

    def open_operation(self, payment_id: PaymentId, kind: OperationKind) -> Operation | None:
        """Return the open operation of a kind; a payment has at most one, except of refunds."""
        return next((one for one in self.operations.get(payment_id, ()) if one.kind is kind), None)

    def answered(self, payment_id: PaymentId, arrival: Arrival) -> Operation | None:
        """Return the open operation that an arrival answers."""
        wanted = arrival.operation_id
        return next((one for one in self.operations.get(payment_id, ()) if one.id == wanted), None)
