"""Lists, searches and expansions. Unlike at Stripe, a search finds new objects at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import dropwhile, islice
from typing import Protocol, TypeVar

from groat.simulator.stripe.errors import invalid_request, no_such, refusal
from groat.simulator.stripe.model import Intent
from groat.simulator.stripe.requests import ListPage
from groat.simulator.wire import Json, JsonObject

_METADATA_QUERY = re.compile(r"""metadata\[(['"])(?P<key>[^'"]+)\1\]:(['"])(?P<value>[^'"]*)\3""")
_TWO_CURSORS = "Received both starting_after and ending_before parameters. Please pass in only one."


class Identified(Protocol):
    """An object with an id, as every object of Stripe is."""

    @property
    def id(self) -> str:
        """The id of the object."""
        ...


Thing = TypeVar("Thing", bound=Identified)


def one_page(
    things: Mapping[str, Thing], page: ListPage, wanted: Callable[[Thing], bool]
) -> tuple[list[Thing], bool]:
    """Return a page of the ``wanted`` objects, newest first, and whether more follow.

    ``things`` maps ids to objects, oldest first. With ``ending_before``, the page has the objects
    that are next newer than the named object, and "more" means that still newer ones exist.

    Raises:
        StripeError: The object named in a cursor does not exist, or both cursors are given.
    """
    after, before = page.starting_after, page.ending_before
    if after is not None and before is not None:
        raise invalid_request(_TWO_CURSORS, param="ending_before")
    if before is not None:
        oldest_first = _beyond(things, before, things.values(), "ending_before")
        found, more = _first(page.limit, filter(wanted, oldest_first))
        return found[::-1], more
    newest_first: Iterable[Thing] = reversed(list(things.values()))
    if after is not None:
        newest_first = _beyond(things, after, newest_first, "starting_after")
    return _first(page.limit, filter(wanted, newest_first))


def _beyond(
    things: Mapping[str, Thing], cursor: str, ordered: Iterable[Thing], param: str
) -> Iterator[Thing]:
    if cursor not in things:
        raise no_such("object", cursor, param=param, status=400)
    return islice(dropwhile(lambda thing: thing.id != cursor, ordered), 1, None)


def _first(limit: int, found: Iterable[Thing]) -> tuple[list[Thing], bool]:
    page = list(islice(found, limit + 1))
    return page[:limit], len(page) > limit


def metadata_search(query: str) -> Callable[[Intent], bool]:
    """Return a filter for the intents that ``query`` finds by one value of their metadata.

    Raises:
        StripeError: The query is of another kind.
    """
    match = _METADATA_QUERY.fullmatch(query)
    if match is None:
        message = "The simulator supports only queries such as metadata['k']:'v'."
        raise invalid_request(message, param="query")
    key, value = match["key"], match["value"]
    return lambda intent: intent.metadata.get(key) == value


def expanded(value: Json, path: Sequence[str], find: Callable[[str], JsonObject | None]) -> Json:
    """Return ``value`` with all ids along ``path`` replaced by their objects.

    ``find`` returns the object with an id. In a list, each object is expanded. Null stays null.

    Raises:
        StripeError: ``path`` does not lead to the id of an object. The request has already had its
            effect.
    """
    match value:
        case None:
            return None
        case str() if (found := find(value)) is not None:
            return expanded(found, path, find)
        case list():
            return [expanded(element, path, find) for element in value]
        case Mapping() if not path:
            return value
        case Mapping() if path[0] in value and path[0] != "id":
            return {**value, path[0]: expanded(value[path[0]], path[1:], find)}
        case _:
            raise refusal("This property cannot be expanded.", param="expand")
