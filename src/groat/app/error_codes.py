"""The error codes of the HTTP API: the status of each, and advice to the caller."""

from __future__ import annotations

from typing import NamedTuple


class ErrorCode(NamedTuple):
    """A stable code. A caller's program decides by it; ``advice`` is for the programmer."""

    code: str
    status: int
    advice: str


_TABLE = """
400 idempotency_key_not_supported Leave the header Idempotency-Key out; PUT and PATCH take none.
400 idempotency_key_required Send the header Idempotency-Key.
400 invalid_json Send JSON in UTF-8, without duplicate names, NaN, and extreme depth or numbers.
400 repeated_header Give the header once.
400 repeated_parameter Give each parameter once.
400 unknown_parameter Use the parameters that the operation lists.
401 invalid_api_key Send a key that works as a bearer token.
403 engine_account Use an account of your own; only payments post to this one.
403 missing_scope Use a key that has the scope that the operation names.
403 scope_not_held Create the key with a key that has these scopes itself.
404 account_not_found Check the id of the account.
404 api_key_not_found Check the id of the key; it may have expired or be revoked.
404 audit_record_not_found Check the id of the audit record.
404 dispute_not_found Check the id of the dispute.
404 event_not_found Check the id of the event; the feed keeps events for 30 days.
404 hold_not_found Check the id of the hold.
404 ledger_transaction_not_found Check the id of the transfer.
404 merchant_not_found The merchant of the key does not exist any more.
404 movement_not_found Check the key of the movement; it must be posted.
404 not_found Check the address; an id may have the wrong form.
404 object_not_found Check the id of the object of audit records.
404 payment_not_found Check the id of the payment.
404 provider_account_not_found Check the id of the provider account.
404 provider_event_not_found Check the id of the provider event.
404 refund_not_found Check the id of the refund.
404 routing_decision_not_found No rules chose the account of this payment.
404 transfer_not_found Check the id of the transfer.
404 webhook_endpoint_not_found Check the id of the webhook endpoint.
408 body_too_slow Send the body within ten seconds.
409 account_closed Use an open account.
409 account_code_taken Choose another code.
409 account_frozen Reopen the account first.
409 account_not_empty Empty the account before you close it.
409 account_not_usable Use an open account of yours, without a floor if the movement debits it.
409 balance_too_large Split the money over several accounts.
409 capture_exceeds_authorized Capture at most the rest of the authorization.
409 disputed Refund at most the undisputed rest, or wait for the end of the dispute.
409 endpoint_not_enabled Enable the webhook endpoint first.
409 engine_hold Leave this hold to the engine; it belongs to a refund.
409 events_missed Read your objects anew, and start the feed without a cursor.
409 hold_exceeded Capture at most the rest of the hold.
409 hold_expired Place a new hold.
409 hold_not_open The hold is captured or released; place a new one.
409 idempotency_key_in_use Wait for the first request with this key, then repeat yours.
409 insufficient_funds Wait for money on the account, or use a smaller amount.
409 linked_refused Correct the item that was refused; none of the linked items was made.
409 no_route Add a routing rule that gives an account for this payment.
409 not_in_suspense Restore the movement first.
409 not_moved_by_hand Leave the movement there; nobody has moved it from suspense.
409 not_reversible Only callers' own transfers can be reversed, each once.
409 not_sealed_yet Ask again in a second; the record is not sealed yet.
409 operation_in_progress Wait for the operation that is open, then try again.
409 payment_not_cancelable Read the payment; its status does not allow a cancellation.
409 payment_not_capturable Read the payment; its status does not allow a capture.
409 payment_not_confirmable Read the payment; only a new or a softly declined one is confirmed.
409 payment_not_refundable Read the payment; nothing of it is captured.
409 reference_reused Use a new reference for a new order.
409 refund_exceeds_capture Make several refunds; no single capture has that much left.
409 refund_exceeds_captured Refund at most the rest of the captured amount.
409 routing_rules_changed Read the rules again; another caller has changed them.
409 second_currency Attribute the movement to another object; this one has another currency.
409 too_many_endpoints Change one of the webhook endpoints that exist.
413 body_too_large Send a smaller body.
422 amount_not_positive Use an amount above zero.
422 amount_not_supported Use an amount that the provider can express in this currency.
422 amount_too_large Use a smaller amount.
422 backfill_not_supported This provider lists no events.
422 backfill_too_far_back Begin later; the provider lists recent events only.
422 beneficiary_not_a_wallet Name a wallet as the beneficiary.
422 captures_once Leave `final` out; this provider allows one capture.
422 currency_mismatch Use the currency of the account.
422 expires_in_past Use a time in the future.
422 idempotency_key_reused Use a new key for a new request.
422 invalid_account_code Use a code of the form that the message names.
422 invalid_amount Use a whole number of minor units.
422 invalid_cursor Use the `next_cursor` of the previous page of the same list.
422 invalid_day Use a day of the calendar, and a time zone of the IANA database.
422 invalid_event_type Use an event type that the documentation lists, or a pattern of one.
422 invalid_expiry Use a time in the future.
422 invalid_floor Use a floor that the kind of the account allows.
422 invalid_metadata Use fewer or shorter texts; filter by a value only with its key.
422 invalid_overlap Use an overlap of 0 to 30 days.
422 invalid_payment_method Give the method in the form that the provider takes.
422 invalid_reference Use a reference of 1 to 255 characters that does not begin with `groat:`.
422 invalid_request Correct the fields that `errors` lists.
422 invalid_routing_rule Correct the rule that the message names.
422 invalid_routing_rules Correct the rules as the message says.
422 invalid_span Begin before the end, and in the past.
422 invalid_value Use a text or a number that can be stored.
422 invalid_webhook_url Use an `https` URL of a public host.
422 nothing_selected Give ids or at least one filter.
422 pan_detected Send a provider's token; Groat refuses card numbers everywhere.
422 same_account Use two different accounts.
422 time_out_of_bounds Use a time between 1970 and 3000.
422 too_many_secrets Wait until an old secret of the webhook endpoint has expired.
422 unknown_currency Use a current currency of ISO 4217.
422 unknown_metadata_key Name keys of `metadata` only in `provider_metadata`.
422 unknown_scope Use a scope that the documentation lists.
422 unknown_transaction_kind Ask the operator: a room of the engine is missing.
422 unstorable_text Remove NUL characters and lone surrogates.
429 rate_limited Wait for the time in `retry-after`, and send fewer requests each second.
500 internal_error Tell the operator the `x-request-id`. Repeat with the same key.
503 database_unavailable Try again shortly, with the same idempotency key or reference.
503 overloaded Try again after the time in `retry-after`.
503 provider_account_busy Try again shortly; nothing was written.
503 provider_not_installed Ask the operator to install the provider's adapter.
503 provider_unavailable Try again shortly; the provider gave no valid answer.
"""

_OTHER = """
400 body_malformed The provider's delivery has an unreadable body.
400 certificate_invalid The provider's certificate does not verify.
400 certificate_not_allowed The delivery names a certificate of another host.
400 signature_malformed The signature of the delivery has the wrong form.
400 signature_mismatch The signature does not verify; check the webhook credential of the account.
400 signature_missing The delivery has no signature.
400 timestamp_outside_tolerance The delivery is too old, or a clock is wrong.
400 webhooks_not_supported Remove the address at the provider; this account receives no webhooks.
405 method_not_allowed Use a method that the header `allow` lists.
431 head_too_large Send fewer or shorter headers.
431 too_many_headers Send at most 100 headers.
503 certificate_unavailable The provider delivers again; its certificate could not be fetched.
"""

_CODE_PARTS = 2


def _code(line: str) -> ErrorCode:
    status, code, advice = line.split(" ", _CODE_PARTS)
    return ErrorCode(code, int(status), advice)


ERROR_CODES = tuple(map(_code, _TABLE.strip().splitlines()))
"""All codes of the API, by status and name."""

OTHER_CODES = tuple(map(_code, _OTHER.strip().splitlines()))
"""Codes outside of the API's operations: deliveries of providers, methods and heads."""
