"""The parts of a world that all tests share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp

from groat.app.onboarding import Onboarded
from groat.merchants.domain.credentials import ProviderName
from groat.platform.process.settings import Settings
from tests.support.databases import Supply
from tests.support.world import Mailbox


@dataclass(frozen=True, slots=True)
class Setting:
    """What all tests share: databases with one merchant, the stand-ins, and the mailbox."""

    databases: Supply
    settings: Settings
    merchant: Onboarded
    mailbox: Mailbox
    simulators: Mapping[ProviderName, ASGIApp]
