"""Every declared change is told of, or it is said why not."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import groat
from groat.audit.domain.action import Action
from groat.kernel import ids
from groat.notifications.domain.event_types import EVENT_TYPES, SILENT, all_types
from groat.notifications.domain.feed import FeedFilter


def declared() -> set[Action]:
    """Return the actions of all rooms."""
    files = Path(groat.__file__).parent.glob("*/domain/actions.py")
    rooms = [import_module(f"groat.{file.parts[-3]}.domain.actions") for file in files]
    kinds = [kind for room in rooms for kind in vars(room).values() if isinstance(kind, type)]
    return {action for kind in kinds if issubclass(kind, Action) for action in kind}


def test_every_action_has_an_event_type_or_a_reason_for_none() -> None:
    told, silent = set(EVENT_TYPES), set(SILENT)
    assert told | silent == declared()
    assert not told & silent
    assert all(SILENT.values())


def test_the_first_part_of_a_type_is_the_kind_of_its_object() -> None:
    assert all(named.partition(".")[0] in ids.PREFIXES for named in all_types())


def test_every_type_can_be_filtered() -> None:
    for named in all_types():
        assert FeedFilter(named).type == named
