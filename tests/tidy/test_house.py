from __future__ import annotations

import ast
import re

import yaml
from typer.testing import CliRunner

from groat.app.cli import app
from groat.app.command_table import COMMANDS
from tests.tidy.source import ROOT, SOURCE, imports, modules, repository_files, tree

REGISTRIES = [
    ".".join(parts)
    for parts in (
        *(("pypi", "org"), ("files", "pythonhosted", "org"), ("pypi", "python", "org")),
        *(("registry", "npmjs", "org"), ("proxy", "golang", "org"), ("conda", "anaconda", "org")),
    )
]
"""Nothing in the repository says where packages come from: that is the user's affair."""

STARTED_BY_NAME = {  # the entry points in pyproject.toml
    "groat.app.cli",
    "groat.platform.embedded.watch",
    "groat.providers.paypal.adapter",
    "groat.providers.stripe.adapter",
}
LOADED_BY_COMMAND = {f"groat.app.{source.module}" for source in COMMANDS.values()}
LOADED_BY_ALEMBIC = "groat.platform.postgres.migrations."
LOADED_BY_PYTEST = "groat.providers.conformance."


def test_init_files_hold_a_docstring_and_nothing_else() -> None:
    files = list(SOURCE.rglob("__init__.py"))
    assert files
    assert not [
        path for path in files if not ast.get_docstring(tree(path)) or len(tree(path).body) > 1
    ]


def test_no_file_names_a_package_registry() -> None:
    named = [
        (str(path.relative_to(ROOT)), host)
        for path in repository_files()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert not named


def test_requirements_name_no_address() -> None:
    files = list((ROOT / "requirements").glob("*.txt"))
    assert {file.name for file in files} >= {"runtime.txt", "development.txt", "installer.txt"}
    for file in files:
        text = file.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"://|--(extra-)?index-url|--find-links|\.(whl|tar\.gz)", text)


def test_compose_starts_groat_commands() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = {name: service for name, service in services.items() if "build" in service}
    assert ours.keys() == {"migrate", "api", "worker"}
    for service in ours.values():
        done = CliRunner().invoke(app, [*service["command"], "--help"])
        assert done.exit_code == 0, done.output


def test_makefile_has_the_documented_targets() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"demo", "up", "test", "lint", "format"} <= set(targets)


def test_every_module_is_used() -> None:
    used = {name for path in modules().values() for name in imports(path)}
    used |= STARTED_BY_NAME | LOADED_BY_COMMAND
    unused = {
        name
        for name, path in modules().items()
        if path.name != "__init__.py" and not name.startswith((LOADED_BY_ALEMBIC, LOADED_BY_PYTEST))
    } - used
    assert not unused
