"""Stripe's form encoding: ``metadata[order]=7`` and ``payment_method_types[]=card``."""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import parse_qsl

from groat.simulator.stripe.errors import invalid_request

Form: TypeAlias = "dict[str, str | Form]"


def decode(text: str) -> Form:
    """Return the parameters of an encoded form as a tree. A list is a tree with positions as keys.

    Raises:
        StripeError: A parameter is both a value and a tree, or is sent twice.
    """
    form: Form = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *path = name.replace("]", "").split("[")
        _plant(form, [first, *path], name, value)
    return form


def _plant(form: Form, path: list[str], name: str, value: str) -> None:
    for key in path[:-1]:
        branch = form.setdefault(key, {})
        if isinstance(branch, str):
            raise invalid_request("Invalid object", param=name)
        form = branch
    key = path[-1] or str(len(form))
    if key in form:
        raise invalid_request("You sent a parameter twice.", param=name)
    form[key] = value
