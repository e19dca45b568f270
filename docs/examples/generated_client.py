"""A shop's first payment, with a client that is generated from the OpenAPI document.

    openapi-python-client generate --path openapi.json --meta none --output-path groat_client
    python generated_client.py http://127.0.0.1:8000 API_KEY PROVIDER_ACCOUNT

`groat up` prints the address, a key, and the provider accounts of its simulators.
"""

import sys

from groat_client import AuthenticatedClient
from groat_client.api.accounts import accounts_balance, accounts_create
from groat_client.api.payments import payments_create, payments_get
from groat_client.api.refunds import refunds_create
from groat_client.models import (
    AccountView,
    BalanceView,
    NewAccount,
    NewPayment,
    NewRefund,
    PaymentDetailsView,
    ProblemWithStatus404,
    RefundView,
)


def main(address: str, api_key: str, provider_account: str) -> None:
    """Take a payment, refund a part of it, and read the balance that is left."""
    client = AuthenticatedClient(address, api_key)
    wallet = accounts_create.sync(client=client, body=NewAccount("wallet:shop", "EUR"))
    assert isinstance(wallet, AccountView), wallet

    order = NewPayment(
        amount=1050,
        currency="EUR",
        beneficiary=wallet.id,
        provider_account=provider_account,
        payment_method="pm_card_visa",
    )
    payment = payments_create.sync(client=client, body=order, idempotency_key="order-1")
    assert isinstance(payment, PaymentDetailsView), payment
    print(f"payment {payment.id}: {payment.status}, {payment.captured} captured")

    again = payments_create.sync(client=client, body=order, idempotency_key="order-1")
    assert again == payment, again

    wanted = NewRefund(payment=payment.id, amount=300)
    refund = refunds_create.sync(client=client, body=wanted, idempotency_key="refund-1")
    assert isinstance(refund, RefundView), refund
    print(f"refund {refund.id}: {refund.status}")

    balance = accounts_balance.sync(wallet.id, client=client)
    assert isinstance(balance, BalanceView), balance
    print(f"balance: {balance.balance}")

    missing = payments_get.sync("pay_" + "0" * 26, client=client)
    assert isinstance(missing, ProblemWithStatus404), missing
    print(f"{missing.code}: {missing.detail}")


if __name__ == "__main__":
    main(*sys.argv[1:])
