"""Settings: read from ``GROAT_*`` variables and a ``.env`` file, checked at the start."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import psycopg
from dotenv import dotenv_values
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from groat.kernel.errors import ConfigurationError

PREFIX = "GROAT_"
APPLICATION_ROLE = "groat_app"
"""Role that the engine acts as once connected: it may not change or delete ledger and record."""

SUPERVISED = "GROAT_SUPERVISED"
"""Set for a child process, and only then: standard input is the pipe that tells of its parent."""

_NO_ROLE = "none"
MASTER_KEY_BYTES = 32
_MASTER_KEYS_MAX = 2


def _master_key(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        decode_master_keys(value.get_secret_value())
    return value


def _database_url(value: SecretStr | None) -> SecretStr | None:
    try:
        conninfo_to_dict(value.get_secret_value() if value else "")
    except psycopg.ProgrammingError:  # whose message has the whole text in it
        raise ValueError("it must be postgresql://user:password@host/database") from None
    return value


class Settings(BaseSettings):
    """Everything that can be set, with its default. One field is one variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Field(Path(".groat"), description="Where `groat up` keeps its data and its keys.")
    database_url: Annotated[SecretStr | None, AfterValidator(_database_url)] = Field(
        None, description="PostgreSQL 15 to 18. Unset: `up` and `demo` start one of their own."
    )
    database_role: str = Field(
        APPLICATION_ROLE,
        pattern="^[a-z_][a-z0-9_]{0,62}$",
        description="Role to act as in PostgreSQL. `none` where roles cannot be made.",
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis 7 or Valkey. Unset: `up` and `demo` start one of their own."
    )
    master_key: Annotated[SecretStr | None, AfterValidator(_master_key)] = Field(
        None,
        description="32 random bytes in base64; wraps the keys that encrypt, hash and sign. While "
        "it is replaced: the new one, a comma, the old one.",
    )
    api_host: str = Field("127.0.0.1", description="The address that `groat api` listens on.")
    api_port: int = Field(8420, ge=1, le=65535, description="The port that `groat api` listens on.")
    api_connections: int = Field(
        2048,
        ge=1,
        le=100_000,
        description="Maximum connections to one API process; fewer where it may open fewer files.",
    )
    api_connections_per_address: int | None = Field(
        None,
        ge=1,
        description="Maximum connections from one address. Unset: half of all. Behind a load "
        "balancer, all come from its address.",
    )
    stripe_simulator_port: int = Field(8421, ge=1, le=65535, description="Stand-in for Stripe.")
    paypal_simulator_port: int = Field(8422, ge=1, le=65535, description="Stand-in for PayPal.")
    database_connections: int = Field(
        16, ge=2, le=500, description="The most connections one process opens to PostgreSQL."
    )
    poll_seconds: float = Field(
        1.0, gt=0, le=60, description="How often a worker looks for work that nobody rang for."
    )
    provider_timeout_seconds: float = Field(
        20.0, gt=0, le=80, description="The longest a call to a provider may take."
    )
    provider_calls: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Maximum calls under way to one provider account, in each process. Beyond it "
        "the API answers 503.",
    )
    pending_seconds: float = Field(
        90.0,
        gt=0,
        le=3600,
        description="When an operation whose call nobody came back from is looked up: longer than "
        "calls take.",
    )
    breaker_failures: int = Field(
        5,
        ge=1,
        description="So many failures of a provider account in a row, and it is left alone for a "
        "while.",
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines: text or json.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe log lines that are written."
    )

    @property
    def role(self) -> str | None:
        """The role that the engine acts as in PostgreSQL; None to stay the user of the URL."""
        return None if self.database_role == _NO_ROLE else self.database_role


def read_settings() -> Settings:
    """Return the settings in force.

    Raises:
        ConfigurationError: one line that names the first wrong variable and what it may be.
    """
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
        raise ConfigurationError("invalid_setting", f"{name} is wrong: {problem['msg']}.") from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return a line for each variable that looks like a setting of ours and is none.

    ``environment`` is the process's; the file ``.env`` is read as well.
    """
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | {SUPERVISED}
    given = {name.upper() for name in {**dotenv_values(".env"), **environment}}
    unknown = sorted(name for name in given - known if name.startswith(PREFIX))
    return [f"{name} is not a setting.{_suggestion(name, known)}" for name in unknown]


def _suggestion(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else " `groat config` lists them."


def decode_master_keys(text: str) -> list[bytes]:
    """Return the master keys in ``text``, of 32 bytes each; the first one is the newest.

    Raises:
        ValueError: ``text`` is not one or two times 32 bytes in base64, with a comma between.
    """
    parts = text.split(",")
    try:
        keys = [base64.b64decode(part.strip(), validate=True) for part in parts]
    except ValueError:  # binascii.Error, and characters beyond ASCII
        keys = []
    if len(keys) > _MASTER_KEYS_MAX or {len(key) for key in keys} != {MASTER_KEY_BYTES}:
        raise ValueError("it must be 32 random bytes in base64, as `openssl rand -base64 32` makes")
    return keys


def require(value: SecretStr | None, name: str) -> str:
    """Return the text of a setting that this command cannot do without.

    Raises:
        ConfigurationError: it is not set.
    """
    if value is None:
        raise ConfigurationError(
            "setting_missing",
            f"{PREFIX}{name} is not set. `groat up` sets up everything by itself.",
        )
    return value.get_secret_value()
