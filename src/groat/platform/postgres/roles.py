"""The application's role in PostgreSQL."""

from __future__ import annotations

from groat.kernel.errors import ConfigurationError


def role_missing(role: str) -> ConfigurationError:
    """Return the error for a role that is missing, or that this user may not act as."""
    return ConfigurationError(
        "role_missing",
        f"The role {role} is missing, or this user may not act as it. Let an administrator run "
        f"`create role {role} nologin; grant {role} to <this user>`, then run `groat migrate`. "
        "If the server allows no new roles, set GROAT_DATABASE_ROLE=none.",
    )
