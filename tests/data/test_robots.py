"""Robots: known by two measures at least, by limits from before the test part, alike ever after."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from regard.data.clean import clean
from regard.data.describe import describe
from regard.data.interactions import Interactions
from regard.data.large.prepare import prepare
from regard.data.rules.robots import MEASURES, Robots
from regard.errors import ConfigurationError, NeedsClockError, TooLittleDataError
from regard.recommender.recipe import Recipe

DAY, HOUR = 86_400.0, 3_600.0
START = 18_000 * DAY
PEOPLE = 40


def world(*, robots: int = 1, late: int = 0, seed: int = 3) -> pl.DataFrame:
    """Forty people who sleep from 23 to 7, robots around the clock on few items, and `late` more
    people of odd habits in the last tenth of the time."""
    random = np.random.default_rng(seed)
    rows: list[tuple[str, str, float]] = []
    for person in range(PEOPLE + late):
        name, days = (f"p{person:02}", (0, 60)) if person < PEOPLE else (f"l{person:02}", (58, 60))
        for _ in range(200):
            hour = random.triangular(7, 18, 23)
            moment = START + random.integers(*days) * DAY + hour * HOUR
            rows.append((name, f"i{random.integers(0, 60)}", float(moment)))
    for robot in range(robots):
        rows += [(f"robot{robot}", f"i{n % 2}", START + n * 600.0) for n in range(3_000)]
    return pl.DataFrame(rows, schema=["user", "item", "time"], orient="row")


def removed(table: pl.DataFrame, **given: Any) -> set[str]:
    _, report = clean(Interactions.of(table), [Robots(**given)])
    return set(report.quarantine["user"].to_list())


def test_robots_go_and_people_stay() -> None:
    assert removed(world(robots=2)) == {"robot0", "robot1"}
    assert removed(world(robots=0)) == set()


def test_one_measure_alone_is_no_proof() -> None:
    """A person who works at night is beyond the limit of the night, and of nothing else."""
    table = world(robots=0)
    shifted = pl.when(pl.col("user") == "p00").then(pl.col("time") + 12 * HOUR)
    night = table.with_columns(time=shifted.otherwise("time"))
    assert removed(night, votes=1) == {"p00"}
    assert removed(night) == set()


def test_limits_are_learned_before_the_test_part() -> None:
    """What happens after `until` moves no limit."""
    table = world()
    until = START + 48 * DAY
    early = Robots(until=until).settled_on(Interactions.of(table))
    other = table.with_columns(
        time=pl.when(pl.col("time") >= until).then(pl.col("time").max()).otherwise("time"),
        item=pl.when(pl.col("time") >= until).then(pl.lit("x")).otherwise("item"),
    )
    assert Robots(until=until).settled_on(Interactions.of(other)) == early
    assert Robots().settled_on(Interactions.of(other)) != Robots().settled_on(
        Interactions.of(table.filter(pl.col("user") != "robot0"))
    )


def test_the_default_moment_is_that_of_the_default_split() -> None:
    from regard.data.split import split_by_time

    log = Interactions.of(world(robots=0))
    settled = Robots().settled_on(log)
    found = split_by_time(log)
    assert settled.until == pytest.approx(found.protocol.validation_from, abs=DAY)


def test_a_robot_late_in_the_log_moves_no_limit_into_the_test_part() -> None:
    """Its rows are not kept, so the moment is that of the rows that are."""
    from regard.data.split import split_by_time

    people = world(robots=0)
    late = [("robot", "i7", START + 60 * DAY - 60.0 * n) for n in range(6_000)]
    robot = pl.DataFrame(late, schema=people.schema, orient="row")
    kept, report = clean(Interactions.of(pl.concat([people, robot])), [Robots()])
    assert report.quarantine["user"].unique().to_list() == ["robot"]
    until = report.removals[0].parameters["until"]
    assert until <= split_by_time(kept).protocol.validation_from
    assert until == Robots().settled_on(Interactions.of(people)).until


def test_a_recipe_holds_the_limits_and_judges_alike() -> None:
    table = world()
    _, report = clean(Interactions.of(table), [Robots()])
    kept = {"rule": "robots", **report.removals[0].parameters}
    assert all(kept[name] is not None for name in (*MEASURES, "until", "night_from"))
    (again,) = Recipe.from_dict({"cleaning": [kept]}).rules() or ()
    assert again == Robots().settled_on(Interactions.of(table))
    few = table.filter(pl.col("user").is_in(["robot0", "p00"]))
    _, later = clean(Interactions.of(few), [again])  # too few to learn from, and no need to
    assert set(later.quarantine["user"]) == {"robot0"}
    assert "by limits learned before the moment 'until'" in report.notes[0]


def test_numbers_from_an_independent_calculation() -> None:
    table = world()
    rule = Robots(until=START + 1e9).settled_on(Interactions.of(table))
    shares, busiest = [], []
    for _, rows in table.group_by("user"):
        hours = (rows["time"].to_numpy() // HOUR % 24).astype(int)
        night = [(rule.night_from or 0) + each for each in range(6)]
        shares.append(np.isin(hours, np.array(night) % 24).mean())
        busiest.append(np.unique(rows["time"].to_numpy() // HOUR, return_counts=True)[1].max())
    middle = np.median(shares)
    spread = max(1.4826 * np.median(np.abs(shares - middle)), 0.05)
    assert rule.night == pytest.approx(middle + 5 * spread, abs=1e-6)
    logs = np.log(busiest)
    spread = max(1.4826 * np.median(np.abs(logs - np.median(logs))), np.log(2))
    assert rule.per_hour == pytest.approx(np.exp(np.median(logs) + 5 * spread), abs=1e-6)
    everyone = np.concatenate([table["time"].to_numpy() // HOUR % 24])
    counts = np.bincount(everyone.astype(int), minlength=24)
    assert rule.night_from == min(
        range(24), key=lambda hour: sum(counts[(hour + each) % 24] for each in range(6))
    )


def test_describe_tells_of_robots_and_of_the_rule() -> None:
    told = [doubt for doubt in describe(Interactions.of(world())).doubts if "like a robot" in doubt]
    assert len(told) == 1
    assert told[0].startswith("1 user acts like a robot (")
    assert "'robot0': the rule 'robots' removes such users" in told[0]
    for quiet in (world(robots=0), world().head(500), world().filter(pl.col("user") < "p15")):
        page = describe(Interactions.of(quiet))
        assert not any("like a robot" in doubt for doubt in page.doubts)


def test_logs_that_cannot_be_judged() -> None:
    few = Interactions.of(world().head(600))
    with pytest.raises(TooLittleDataError, match=r"20 users with 100 rows .*Lower rows, or leave"):
        clean(few, [Robots()])
    nothing = pl.DataFrame(
        {"user": [None], "item": ["a"], "time": [1e9]}, schema_overrides={"user": pl.String}
    )
    with pytest.raises(TooLittleDataError, match="who, what and when"):
        clean(Interactions.of(nothing), [Robots()])
    ordered = pl.DataFrame({"user": [1], "item": ["a"], "position": [0]})
    with pytest.raises(NeedsClockError):
        clean(Interactions.of(ordered), [Robots()])
    with pytest.raises(ConfigurationError, match="not settled; call settled_on"):
        Robots().mark(few.frame, "time")


@pytest.mark.parametrize(
    "given",
    [{"rows": 2}, {"deviations": 0}, {"deviations": None}, {"votes": 7}, {"votes": True},
     {"night_from": 24}, {"gaps": "few"}, {"until": float("inf")}],
)  # fmt: skip
def test_numbers_that_make_no_sense(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(given))}.*robots"):
        Robots(**given)


def test_with_settled_limits_parts_are_judged_like_the_whole_log(tmp_path: Path) -> None:
    table = world()
    settled = Robots().settled_on(Interactions.of(table))
    expected = removed(table, **settled.parameters())
    made = prepare(Interactions.of(table), tmp_path / "made", rules=[settled], shards=3)
    found = {sample["user"] for sample in made.report().removals[0].samples}
    assert expected == {"robot0"} == found
    with pytest.raises(ConfigurationError, match="'robots' compares rows of different users"):
        prepare(Interactions.of(table), tmp_path / "other", rules=[Robots()], shards=3)
