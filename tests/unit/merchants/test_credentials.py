from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from groat.kernel import ids
from groat.kernel.errors import InvalidRequest, Unauthenticated
from groat.kernel.ids import MerchantId, ProviderAccountId
from groat.merchants.domain.credentials import (
    ApiKey,
    CredentialFields,
    ProviderAccount,
    check_credentials,
)

MERCHANT = MerchantId(0x1234567890ABCDEF)
ALMOST = st.text("_groatmer0123456789abcdef-", max_size=60).map("groat_".__add__)


def test_a_shown_key_is_parsed_to_the_same_key() -> None:
    for _ in range(200):
        key = ApiKey.generate(MERCHANT)
        assert ApiKey.parse(str(key)) == key


def test_secrets_are_192_random_bits() -> None:
    keys = [ApiKey.generate(MERCHANT) for _ in range(50)]
    assert len({key.secret for key in keys}) == 50
    assert {len(key.secret) for key in keys} == {32}
    assert all(str(key).startswith("groat_") for key in keys)


def test_a_secret_can_contain_underscores() -> None:
    merchant = ids.render_merchant(MERCHANT).removeprefix("mer_")
    assert ApiKey.parse(f"groat_{merchant}_a_b_") == ApiKey(MERCHANT, "a_b_")


@given(st.text() | ALMOST)
def test_any_text_is_a_key_or_unauthenticated(text: str) -> None:
    try:
        key = ApiKey.parse(text)
    except Unauthenticated:
        return
    assert str(key) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "groat",
        "groat__",
        "groat_x_y",
        "groat_mer_y",
        f"groat_{ids.render_merchant(MERCHANT)}_s",
    ],
)
def test_every_wrong_key_gets_the_same_answer(text: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        ApiKey.parse(text)
    assert refused.value.code == "invalid_api_key"
    assert refused.value.__suppress_context__


def test_a_secret_beyond_ascii_is_refused() -> None:
    merchant = ids.render_merchant(MERCHANT).removeprefix("mer_")
    with pytest.raises(Unauthenticated):
        ApiKey.parse(f"groat_{merchant}_é")


def test_secrets_are_not_logged() -> None:
    key = ApiKey.generate(MERCHANT)
    assert key.secret not in repr(key) + pretty_repr(key)
    account = ProviderAccount(
        MERCHANT, ProviderAccountId(ids.uuid7()), "stripe", "main", {"api_key": "sk_hunter2"}
    )
    assert "hunter2" not in f"{account!r} {account} {pretty_repr(account)}"
    assert "main" in repr(account)


KNOWN = {
    "pebble": CredentialFields(
        frozenset({"client", "secret"}), frozenset({"webhook_secret", "api_base"})
    ),
    "plain": CredentialFields(frozenset({"api_key"})),
}


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        ("plain", {"api_key"}),
        ("pebble", {"client", "secret"}),
        ("pebble", {"client", "secret", "api_base"}),
        ("pebble", {"client", "secret", "webhook_secret", "api_base"}),
    ],
)
def test_required_credentials_are_accepted(provider: str, fields: set[str]) -> None:
    check_credentials(provider, KNOWN, dict.fromkeys(fields, "value"))


@pytest.mark.parametrize(
    ("provider", "fields", "named"),
    [
        ("plain", set(), "api_key"),
        ("plain", {"api_key", "client"}, "client"),
        ("pebble", {"client"}, "secret"),
        ("pebble", {"api_key"}, "api_key"),
    ],
)
def test_wrong_credentials_are_named_without_their_values(
    provider: str, fields: set[str], named: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_credentials(provider, KNOWN, dict.fromkeys(fields, "hunter2"))
    assert refused.value.code == "invalid_credentials"
    assert named in refused.value.message
    assert "hunter2" not in refused.value.message


def test_an_unknown_provider_is_refused_with_the_installed_ones() -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_credentials("granite", KNOWN, {"api_key": "hunter2"})
    assert refused.value.code == "unknown_provider"
    assert "'granite'" in refused.value.message
    assert "pebble, plain" in refused.value.message
    assert "hunter2" not in refused.value.message
    with pytest.raises(InvalidRequest, match="none"):
        check_credentials("granite", {}, {})
