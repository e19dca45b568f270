"""Lists, searches and expansions. Unlike Stripe's, a search sees what was made a moment ago."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import dropwhile, islice
from typing import Protocol, TypeVar

from groat.simulator.stripe.errors import invalid_request, no_such, refusal
from groat.simulator.stripe.model import Intent
from groat.simulator.stripe.requests import Page
from groat.simulator.wire import Json, JsonObject

_METADATA_QUERY = re.compile(r"""metadata\[(['"])(?P<key>[^'"]+)\1\]:(['"])(?P<value>[^'"]*)\3""")


class Identified(Protocol):
    """An object of Stripe's."""

    @property
    def id(self) -> str:
        """Its id."""
        ...


Thing = TypeVar("Thing", bound=Identified)


def one_page(
    things: Mapping[str, Thing], page: Page, wanted: Callable[[Thing], bool]
) -> tuple[list[Thing], bool]:
    """Return a page of the ``wanted`` things, newest first, and whether there are more.

    ``things`` are by id, in the order they were made.

    Raises:
        StripeError: There is no such thing as ``starting_after``.
    """
    newest_first = reversed(list(things.values()))
    after = page.starting_after
    if after is not None:
        if after not in things:
            raise no_such("object", after, param="starting_after", status=400)
        newest_first = islice(dropwhile(lambda thing: thing.id != after, newest_first), 1, None)
    found = list(islice(filter(wanted, newest_first), page.limit + 1))
    return found[: page.limit], len(found) > page.limit


def metadata_search(query: str) -> Callable[[Intent], bool]:
    """Return what finds the intents that ``query`` asks for: one value of the metadata.

    Raises:
        StripeError: It asks for anything else.
    """
    match = _METADATA_QUERY.fullmatch(query)
    if match is None:
        raise invalid_request("Only queries like metadata['k']:'v' are understood.", param="query")
    key, value = match["key"], match["value"]
    return lambda intent: intent.metadata.get(key) == value


def expanded(value: Json, path: Sequence[str], find: Callable[[str], JsonObject | None]) -> Json:
    """Return ``value`` with the id at the end of ``path``, and those on the way, replaced.

    ``find`` returns the object with an id. A list's objects are expanded each; null stays null.

    Raises:
        Refusal: There is no object's id at the end of ``path``. What was asked for is done by then.
    """
    match value:
        case None:
            return None
        case str() if (found := find(value)) is not None:
            return expanded(found, path, find)
        case list():
            return [expanded(one, path, find) for one in value]
        case Mapping() if not path:
            return value
        case Mapping() if path[0] in value and path[0] != "id":
            return {**value, path[0]: expanded(value[path[0]], path[1:], find)}
        case _:
            raise refusal("This property cannot be expanded.", param="expand")
