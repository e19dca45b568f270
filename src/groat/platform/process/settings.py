"""Settings: read from ``GROAT_*`` variables and a ``.env`` file, and checked at the start."""

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
"""PostgreSQL role of the engine. It may not change or delete ledger rows and audit records."""

SUPERVISED = "GROAT_SUPERVISED"
"""Variable set only for a child process. Its standard input is a pipe that its parent holds open,
so that it notices when the parent ends."""

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
    except psycopg.ProgrammingError:  # its message repeats the URL with its password
        raise ValueError("it must be postgresql://user:password@host/database") from None
    return value


class Settings(BaseSettings):
    """All settings with their defaults. One field is one variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Field(Path(".groat"), description="Where `groat up` keeps its data and its keys.")
    database_url: Annotated[SecretStr | None, AfterValidator(_database_url)] = Field(
        None, description="URL of PostgreSQL 15 to 18. Unset: `up` and `demo` start a server."
    )
    database_role: str = Field(
        APPLICATION_ROLE,
        pattern="^[a-z_][a-z0-9_]{0,62}$",
        description="PostgreSQL role of the engine. `none`: stay the user of the URL, for servers "
        "that do not allow new roles.",
    )
    redis_url: SecretStr | None = Field(
        None, description="URL of Redis 7 or Valkey. Unset: `up` and `demo` start a server."
    )
    master_key: Annotated[SecretStr | None, AfterValidator(_master_key)] = Field(
        None,
        description="32 random bytes in base64. Wraps the keys that encrypt, hash and sign. During "
        "a replacement: the new key, a comma, the old key.",
    )
    api_host: str = Field("127.0.0.1", description="The address that `groat api` listens on.")
    api_port: int = Field(8420, ge=1, le=65535, description="The port that `groat api` listens on.")
    api_connections: int = Field(
        2048,
        ge=1,
        le=100_000,
        description="Maximum connections to one API process. A lower limit of open files "
        "(`ulimit -n`) lowers it.",
    )
    api_connections_per_address: int | None = Field(
        None,
        ge=1,
        description="Maximum connections from one address. Unset: half of all connections. Behind "
        "a load balancer, all connections come from its address.",
    )
    rate_limit: int = Field(
        2000,
        ge=1,
        le=1_000_000,
        description="Maximum requests per second of one API key, over all processes. A key may "
        "send those of ten seconds at once. Further requests get the answer 429.",
    )
    drain_seconds: float = Field(
        0,
        ge=0,
        le=300,
        description="Seconds for which `groat api` goes on serving after SIGTERM, while `/readyz` "
        "is 503 already. Set it to the time that your load balancer needs to notice.",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="The address that the metrics port listens on."
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of `/metrics`, `/livez` and `/readyz` of `groat api` and `groat worker`, "
        "each on a port of its own. Unset: none.",
    )
    database_connections: int = Field(
        16, ge=2, le=500, description="Maximum connections of one process to PostgreSQL."
    )
    ledger_claims: int = Field(
        1,
        ge=0,
        le=100,
        description="How often transfers are posted by claims, in one exchange with PostgreSQL. "
        "1: always, 2: every second batch, 0: never, for servers that refuse the statement.",
    )
    poll_seconds: float = Field(
        1.0,
        gt=0,
        le=60,
        description="Seconds between a worker's searches for due work. Redis usually announces "
        "work earlier.",
    )
    provider_timeout_seconds: float = Field(
        20.0, gt=0, le=80, description="Maximum seconds for a call to a provider."
    )
    provider_calls: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Maximum calls under way to one provider account, in each process. Further "
        "calls get the answer 503.",
    )
    pending_seconds: float = Field(
        90.0,
        gt=0,
        le=3600,
        description="Seconds after which an unfinished provider call counts as lost and is looked "
        "up. Must exceed `provider_timeout_seconds`.",
    )
    feed_seconds: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="Seconds between two readings of a provider account's list of movements.",
    )
    clearing_hours: float = Field(
        72.0,
        gt=0,
        le=8760,
        description="Hours within which the event and the movement of an object both arrive. "
        "Reconciliation calls a younger open item not yet due.",
    )
    breaker_failures: int = Field(
        5,
        ge=1,
        description="Failures in a row after which calls to a provider account pause for a while.",
    )
    audit_targets: str = Field(
        "",
        description="Where workers publish signed checkpoints, separated by commas: files, "
        "directories with / at the end, and URLs of witnesses.",
    )
    audit_publish_seconds: float = Field(
        3600.0, gt=0, description="Seconds between two publications of a worker."
    )
    allow_private_targets: bool = Field(
        False,
        description="Allow webhook endpoints at private addresses and without TLS. For development "
        "only: in production, a merchant could reach your own network.",
    )
    log_format: Literal["text", "json"] = Field("text", description="Format of the log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Minimum severity of the log lines that are written."
    )

    @property
    def role(self) -> str | None:
        """The PostgreSQL role of the engine, or None to stay the user of the URL."""
        return None if self.database_role == _NO_ROLE else self.database_role


def read_settings(model: type[Settings] = Settings) -> Settings:
    """Return the settings in force. ``model`` may have more settings than the engine's own.

    Raises:
        ConfigurationError: ``invalid_setting``; one line names the first wrong variable and its
            allowed values.
    """
    try:
        return model()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
        raise ConfigurationError("invalid_setting", f"{name} is wrong: {problem['msg']}.") from None


def unknown_variables(environment: Mapping[str, str], model: type[Settings]) -> list[str]:
    """Return a line for each ``GROAT_`` variable that ``model`` lacks, such as a misspelt one.

    ``environment`` holds the variables of the process. The file ``.env`` is read as well.
    """
    known = {f"{PREFIX}{name}".upper() for name in model.model_fields} | {SUPERVISED}
    given = {name.upper() for name in {**dotenv_values(".env"), **environment}}
    unknown = sorted(name for name in given - known if name.startswith(PREFIX))
    return [f"{name} is not a setting.{_suggestion(name, known)}" for name in unknown]


def _suggestion(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else " `groat config` lists them."


def decode_master_keys(text: str) -> list[bytes]:
    """Return the master keys in ``text``, of 32 bytes each. The first key is the newest.

    Raises:
        ValueError: ``text`` is not one key or two keys in base64 with a comma between them.
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
    """Return the text of a setting that the present command needs.

    Raises:
        ConfigurationError: ``setting_missing``; the setting has no value.
    """
    if value is None:
        raise ConfigurationError(
            "setting_missing",
            f"{PREFIX}{name} is not set. Set it, or use `groat up`, which needs no settings.",
        )
    return value.get_secret_value()
