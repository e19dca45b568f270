from __future__ import annotations

from pathlib import Path

import pytest

from groat.kernel.errors import ConfigurationError, InvalidRequest
from groat.merchants.domain.credentials import check_credentials
from groat.providers.adapters import Adapter, credential_fields, installed_adapters
from groat.providers.paypal.adapter import PayPalProvider
from groat.providers.stripe.adapter import StripeProvider

OURS: dict[str, Adapter] = {"stripe": StripeProvider, "paypal": PayPalProvider}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test installs packages."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(packages: Path, package: str, *entry_points: str) -> None:
    """Install a package without any code, as an installer writes it down."""
    metadata = packages / f"{package}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("\n".join(["[groat.providers]", *entry_points]))


def test_stripe_and_paypal_are_installed_like_any_other() -> None:
    assert installed_adapters() == OURS


def test_an_adapter_registered_by_another_package_is_installed(packages: Path) -> None:
    install(packages, "pebble", "pebble = groat.providers.stripe.adapter:StripeProvider")
    assert installed_adapters() == {**OURS, "pebble": StripeProvider}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module:Adapter", "no_such_module"),
        ("groat.providers.port:NoSuchAdapter", "NoSuchAdapter"),
        ("groat.providers.port:AuthorizeRequest", "credential_fields"),
    ],
)
def test_an_unusable_adapter_is_named(packages: Path, target: str, reason: str) -> None:
    install(packages, "pebble", f"pebble = {target}")
    with pytest.raises(ConfigurationError, match=reason) as refused:
        installed_adapters()
    assert refused.value.code == "provider_not_usable"
    assert "'pebble'" in refused.value.message


def test_two_adapters_cannot_have_one_name(packages: Path) -> None:
    install(packages, "impostor", "stripe = impostor:Adapter")
    with pytest.raises(ConfigurationError, match="'stripe'") as refused:
        installed_adapters()
    assert refused.value.code == "provider_installed_twice"


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        ("stripe", {"api_key"}),
        ("stripe", {"api_key", "webhook_secret", "api_base"}),
        ("paypal", {"client_id", "client_secret"}),
        ("paypal", {"client_id", "client_secret", "webhook_id", "api_base", "certificate_root"}),
    ],
)
def test_required_credentials_are_accepted(provider: str, fields: set[str]) -> None:
    check_credentials(provider, credential_fields(OURS), dict.fromkeys(fields, "value"))


@pytest.mark.parametrize(
    ("provider", "fields"),
    [("stripe", {"webhook_secret"}), ("stripe", {"api_key", "client_id"}), ("paypal", {"api_key"})],
)
def test_unusable_credentials_are_refused(provider: str, fields: set[str]) -> None:
    with pytest.raises(InvalidRequest):
        check_credentials(provider, credential_fields(OURS), dict.fromkeys(fields, "value"))
