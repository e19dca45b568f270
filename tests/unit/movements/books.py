"""Books in memory: the postings of facts and movements, carried by the ledger's own rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from groat.accounts.domain import chart
from groat.accounts.domain.chart import AccountSpec
from groat.accounts.domain.decisions import Book, FactPostings, record
from groat.accounts.domain.kinds import TransactionKind
from groat.accounts.domain.ledger import Balance, Transaction
from groat.kernel import ids
from groat.kernel.ids import AccountId, MerchantId, PaymentId, ProviderAccountId
from groat.kernel.money import Money
from groat.movements.domain import postings
from groat.movements.domain.attribution import Owner, attribute
from groat.movements.domain.booking import Attributed, Bearer, OpenItems, ToldFact
from groat.movements.domain.open_items import OpenItem
from groat.movements.domain.postings import Line
from groat.providers.domain.movements import Movement

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MERCHANT = MerchantId(7)
PROVIDER_ACCOUNT = ProviderAccountId(UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
WALLET = AccountId(UUID(int=1))
PAYMENT = PaymentId(UUID(int=2))

_CAPTURED = TransactionKind(16, "payment.captured")


class Books:
    """A wallet, the engine's accounts at one provider account, and the open items."""

    def __init__(self, currency: str = "EUR") -> None:
        self._currency = currency
        self._balances: dict[AccountId, Balance] = {}
        self._codes: dict[AccountId, str] = {}
        self._items: dict[str, OpenItem] = {}
        self._posted: set[str] = set()
        self._told: set[ToldFact] = set()
        self._open(WALLET, "wallet", currency, floor=0)

    def tell(self, fact: ToldFact) -> None:
        """Apply a fact of a payment: money to the wallet if captured, from it if refunded."""
        if fact in self._told:
            return
        self._told.add(fact)
        items = OpenItems(PROVIDER_ACCOUNT, self._items.values(), NOW)
        lines = items.tell(fact)
        lines.append(Line(WALLET, -fact.money.amount, fact.money.currency))
        self._keep(items)
        self._post(f"fact:{len(self._told)}", lines)

    def captured(self, reference: str, amount: int, currency: str = "EUR") -> None:
        self.tell(ToldFact(reference, reference, Money(-amount, currency)))

    def refunded(self, reference: str, charge: str, amount: int, currency: str = "EUR") -> None:
        self.tell(ToldFact(reference, charge, Money(amount, currency)))

    def book(self, movement: Movement, owner: Owner = Owner.OURS, claim: int | None = None) -> None:
        """Post a movement, unless its key was posted before. ``claim`` is a disputed amount."""
        if movement.key in self._posted:
            return
        self._posted.add(movement.key)
        items = OpenItems(PROVIDER_ACCOUNT, self._items.values(), NOW)
        bearer = Bearer(PAYMENT, WALLET, self._currency, claim)
        booked = items.book(Attributed(movement, attribute(movement, owner), bearer))
        self._keep(items)
        lines = [*booked.lines]
        if booked.borne and booked.borne.amount > 0:
            repaid = min(shortfall(self, self._currency), booked.borne.amount)
            lines += postings.repayment_lines(WALLET, repaid, self._currency)
        self._post(movement.key, lines, booked.owing)

    @property
    def balances(self) -> dict[str, int]:
        """The balances that are not zero, by the first part and the currency of their codes.

        The wallet's is positive if we owe it; those of the engine's accounts if they are ours.
        """
        return {
            self._codes[account_id]: balance.posted if account_id == WALLET else -balance.posted
            for account_id, balance in self._balances.items()
            if balance.posted
        }

    @property
    def open_items(self) -> dict[str, int]:
        """The amounts that clearing holds, by object."""
        found = {reference: item.open_amount for reference, item in self._items.items()}
        return {reference: amount for reference, amount in found.items() if amount}

    def _keep(self, items: OpenItems) -> None:
        self._items.update({item.reference: item for item in items.changed})

    def _post(
        self, reference: str, lines: Iterable[Line], owing: AccountSpec | None = None
    ) -> None:
        lines = [*lines]
        specs = [*postings.own_accounts(lines), *([owing] if owing else [])]
        account_ids = {spec.code: self._ensure(spec) for spec in specs}
        entries = postings.entries_of(lines, account_ids)
        if not entries:
            return
        transaction = Transaction.of(MERCHANT, _CAPTURED, reference, entries)
        owed = {transaction.id: account_ids[owing.code]} if owing else {}
        _, after = record(Book(self._balances), FactPostings([transaction], owed=owed), NOW)
        self._balances.update(after.balances)

    def _ensure(self, spec: AccountSpec) -> AccountId:
        account_id = AccountId(ids.name_based(b"books", spec.code))
        if account_id not in self._balances:
            purpose = spec.code.partition(":")[0]
            self._open(account_id, f"{purpose}:{spec.currency}", spec.currency, floor=None)
        return account_id

    def _open(self, account_id: AccountId, code: str, currency: str, floor: int | None) -> None:
        number = len(self._balances)
        self._codes[account_id] = code
        self._balances[account_id] = Balance(
            account_id, number, currency, "open", 0, 0, floor, 0, NOW
        )


def shortfall(books: Books, currency: str = "EUR") -> int:
    """Return the amount that the beneficiary owes us."""
    return books.balances.get(f"{chart.receivable(currency).code.partition(':')[0]}:{currency}", 0)
