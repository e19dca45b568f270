from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from groat.kernel.errors import ConfigurationError
from groat.platform.process.settings import (
    Settings,
    decode_master_keys,
    read_settings,
    require,
)

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GROAT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default() -> None:
    settings = read_settings()
    assert settings.database_url is None
    assert settings.api_host == "127.0.0.1"


def test_variables_override_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROAT_API_PORT=9000\nGROAT_LOG_FORMAT=json\nOTHER=1\n")
    monkeypatch.setenv("GROAT_API_PORT", "9001")
    settings = read_settings()
    assert (settings.api_port, settings.log_format) == (9001, "json")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROAT_DATABASE_URL", "")
    monkeypatch.setenv("GROAT_API_PORT", "")
    assert read_settings() == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GROAT_API_PORT", "http"),
        ("GROAT_API_PORT", "0"),
        ("GROAT_API_PORT", "65536"),
        ("GROAT_DATABASE_CONNECTIONS", "1"),
        ("GROAT_POLL_SECONDS", "0"),
        ("GROAT_PROVIDER_TIMEOUT_SECONDS", "1000"),
        ("GROAT_LOG_FORMAT", "yaml"),
        ("GROAT_MASTER_KEY", "hunter2"),
        ("GROAT_MASTER_KEY", "é"),
    ],
)
def test_a_wrong_variable_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    assert refused.value.code == "invalid_setting"
    assert refused.value.message.startswith(f"{name} is wrong: ")
    assert "\n" not in refused.value.message
    assert "hunter2" not in refused.value.message


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROAT_MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("GROAT_DATABASE_URL", "postgresql://groat:hunter2@localhost/groat")
    shown = repr(read_settings())
    assert MASTER_KEY not in shown
    assert "hunter2" not in shown


@given(st.binary(min_size=32, max_size=32))
def test_a_master_key_is_32_bytes_in_base64(key: bytes) -> None:
    text = base64.b64encode(key).decode()
    assert decode_master_keys(text) == [key]
    assert decode_master_keys(f"{text}, {text}") == [key, key]
    with pytest.raises(ValueError, match="32 random bytes"):
        decode_master_keys(f"{text},{text},{text}")


@given(
    st.binary().filter(lambda key: len(key) != 32).map(lambda key: base64.b64encode(key).decode())
)
def test_keys_of_another_length_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        decode_master_keys(text)


def test_a_missing_required_setting_is_named() -> None:
    assert require(SecretStr("redis://localhost"), "REDIS_URL") == "redis://localhost"
    with pytest.raises(ConfigurationError) as refused:
        require(None, "REDIS_URL")
    assert refused.value.code == "setting_missing"
    assert "GROAT_REDIS_URL" in refused.value.message
