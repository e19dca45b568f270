"""Which adapters are installed: by their entry points, Stripe's and PayPal's like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from groat.kernel.errors import ConfigurationError
from groat.merchants.domain.credentials import CredentialFields, ProviderName
from groat.providers.port import Provider

ENTRY_POINTS = "groat.providers"


class Adapter(Protocol):
    """What an entry point names: a class whose instances are each one account at the provider."""

    @property
    def credential_fields(self) -> CredentialFields:
        """What an account has to be given; an attribute of the class."""
        ...

    def __call__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> Provider:
        """Return the account with ``credentials``. No call takes longer than the timeout."""
        ...


def installed_adapters() -> Mapping[ProviderName, Adapter]:
    """Return every adapter that is installed, by its provider's name.

    Raises:
        ConfigurationError: one cannot be used, or two have one name: of those none may have the
            credentials that were meant for the other.
    """
    points = entry_points(group=ENTRY_POINTS)
    for name, packages in Counter(point.name for point in points).items():
        if packages > 1:
            raise ConfigurationError(
                "provider_installed_twice",
                f"{packages} packages have an adapter for {name!r}. Uninstall all but one.",
            )
    return {point.name: _load(point) for point in points}


def credential_fields(
    adapters: Mapping[ProviderName, Adapter],
) -> Mapping[ProviderName, CredentialFields]:
    """Return what the accounts of each provider have to be given."""
    return {name: adapter.credential_fields for name, adapter in adapters.items()}


def _load(point: EntryPoint) -> Adapter:
    try:
        adapter = point.load()
    except (ImportError, AttributeError) as error:
        raise _unusable(point, str(error)) from error
    if not isinstance(getattr(adapter, "credential_fields", None), CredentialFields):
        raise _unusable(point, "it has no credential_fields")
    return cast("Adapter", adapter)


def _unusable(point: EntryPoint, reason: str) -> ConfigurationError:
    return ConfigurationError(
        "provider_not_usable",
        f"The adapter for {point.name!r}, {point.value}, cannot be used: {reason}. "
        "Mend its package or uninstall it.",
    )
