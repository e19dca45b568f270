"""A ledger as one would write it in an afternoon: dictionaries, no batches, no database.

It shares no rule with the code under test, only the vocabulary of commands.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from groat.accounts.domain.commands import (
    CaptureHold,
    Command,
    CommandOutcome,
    EndHold,
    PlaceHold,
    Posted,
    PostTransaction,
    Refused,
    Unit,
)
from groat.accounts.domain.decisions import Book
from groat.kernel.money import MAX_AMOUNT


class No(Exception):
    pass


@dataclass
class Model:
    """``accounts`` and ``holds`` by id, ``seen`` the content of each reference, ``log`` entries."""

    accounts: dict[Any, dict[str, Any]]
    holds: dict[Any, dict[str, Any]] = field(default_factory=dict)
    seen: dict[Any, Any] = field(default_factory=dict)
    log: dict[Any, list[tuple[int, int]]] = field(default_factory=dict)

    def run(self, unit: Unit, now: datetime) -> list[str]:
        """Do all of ``unit`` or nothing, and return a word for each command."""
        before = copy.deepcopy((self.accounts, self.holds, self.seen, self.log))
        words: list[str] = []
        for command in unit:
            try:
                words.append(self._do(command, now))
            except No as no:
                self.accounts, self.holds, self.seen, self.log = before
                others = len(unit) - len(words) - 1
                return ["linked_refused"] * len(words) + [str(no)] + ["linked_refused"] * others
        return words

    def _do(self, command: Command, now: datetime) -> str:
        if isinstance(command, PostTransaction):
            return self._post(command)
        if isinstance(command, PlaceHold):
            return self._hold(command, now)
        if isinstance(command, CaptureHold):
            return self._capture(command, now)
        return self._end(command, now)

    def _post(self, command: PostTransaction) -> str:
        one = command.transaction
        if one.reference in self.seen:
            if self.seen[one.reference] != (one.kind, one.entries):
                raise No("reference_reused")
            return "replayed"
        self._move([(entry.account_id, entry.amount, entry.currency) for entry in one.entries])
        self.seen[one.reference] = (one.kind, one.entries)
        return "posted"

    def _move(self, entries: list[tuple[Any, int, str]], freed: int = 0) -> None:
        for account_id, amount, currency in entries:
            account = self._usable(account_id, currency)
            if amount < 0 and account["floor"] is not None:
                left = account["posted"] + amount - (account["held"] - freed)
                if left < account["floor"]:
                    raise No("insufficient_funds")
            if abs(account["posted"] + amount) > MAX_AMOUNT:
                raise No("balance_too_large")
        for account_id, amount, _ in entries:
            account = self.accounts[account_id]
            account["posted"] += amount
            self.log.setdefault(account_id, []).append((amount, account["posted"]))

    def _usable(self, account_id: Any, currency: str) -> dict[str, Any]:
        account = self.accounts.get(account_id)
        if account is None:
            raise No("account_not_found")
        if account["status"] != "open":
            raise No(f"account_{account['status']}")
        if account["currency"] != currency:
            raise No("currency_mismatch")
        return account

    def _hold(self, command: PlaceHold, now: datetime) -> str:
        hold = command.hold
        content = (hold.account_id, hold.amount, hold.currency, hold.expires_at)
        if hold.id in self.holds:
            if self.holds[hold.id]["content"] != content:
                raise No("reference_reused")
            return "replayed"
        if hold.expires_at is not None and hold.expires_at <= now:
            raise No("expires_in_past")
        account = self._usable(hold.account_id, hold.currency)
        if account["floor"] is not None:
            left = account["posted"] - account["held"] - hold.amount
            if left < account["floor"]:
                raise No("insufficient_funds")
        account["held"] += hold.amount
        self.holds[hold.id] = {"content": content, "remaining": hold.amount, "state": "open"}
        return "open"

    def _capture(self, command: CaptureHold, now: datetime) -> str:
        hold = self._found(command)
        content = (command.hold_id, command.credit_account_id, command.amount)
        if command.reference in self.seen:
            if self.seen[command.reference] != content:
                raise No("reference_reused")
            return "replayed"
        account_id, _, currency, expires_at = hold["content"]
        if account_id == command.credit_account_id:
            raise No("same_account")
        if hold["state"] != "open":
            raise No("hold_not_open")
        if expires_at is not None and expires_at <= now:
            raise No("hold_expired")
        amount = hold["remaining"] if command.amount is None else command.amount
        if amount > hold["remaining"]:
            raise No("hold_exceeded")
        moves = [(account_id, -amount, currency), (command.credit_account_id, amount, currency)]
        self._move(moves, freed=amount)
        self.accounts[account_id]["held"] -= amount
        hold["remaining"] -= amount
        hold["state"] = "open" if hold["remaining"] else "captured"
        self.seen[command.reference] = content
        return str(hold["state"])

    def _end(self, command: EndHold, now: datetime) -> str:
        hold = self._found(command)
        account_id, _, _, expires_at = hold["content"]
        if hold["state"] in {"released", "expired"}:
            return "replayed"
        if command.expire:
            if hold["state"] != "open" or expires_at is None or expires_at > now:
                return "replayed"
        elif hold["state"] == "captured":
            raise No("hold_not_open")
        self.accounts[account_id]["held"] -= hold["remaining"]
        hold["remaining"], hold["state"] = 0, "expired" if command.expire else "released"
        return str(hold["state"])

    def _found(self, command: CaptureHold | EndHold) -> dict[str, Any]:
        if command.hold_id not in self.holds:
            raise No("hold_not_found")
        return self.holds[command.hold_id]


def word(outcome: CommandOutcome) -> str:
    """Return what the model calls ``outcome``."""
    if isinstance(outcome, Refused):
        return outcome.refusal.value
    if outcome.replayed:
        return "replayed"
    return "posted" if isinstance(outcome, Posted) else outcome.hold.state


def model_of(book: Book) -> Model:
    return Model(
        {
            account_id: {
                "posted": one.posted,
                "held": 0,
                "floor": one.floor,
                "status": one.status,
                "currency": one.currency,
            }
            for account_id, one in book.balances.items()
        }
    )
