"""Find the installed adapters by their entry points. Stripe and PayPal are found like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from groat.kernel.errors import ConfigurationError
from groat.merchants.domain.credentials import CredentialFields, ProviderName
from groat.providers.port import Provider

ENTRY_POINTS = "groat.providers"
"""Group of entry points in which packages declare their adapters."""


class Adapter(Protocol):
    """The class that an entry point names. Each instance is one account at the provider."""

    @property
    def credential_fields(self) -> CredentialFields:
        """Names of the credentials that an account needs and may have. A class attribute."""
        ...

    def __call__(self, credentials: Mapping[str, str], *, timeout_seconds: float) -> Provider:
        """Create the account with ``credentials``. No call may take longer than the timeout."""
        ...


def installed_adapters() -> Mapping[ProviderName, Adapter]:
    """Load every installed adapter, and return them by the names of their providers.

    Raises:
        ConfigurationError: an adapter cannot be used, or two adapters have the same name. Groat
            uses neither of the two, since one could receive credentials meant for the other.
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
    """Return the credential fields of each provider."""
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
        "Fix or uninstall its package.",
    )
