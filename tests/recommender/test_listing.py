"""What is told of models is what they are: by their classes, their docstrings, and nothing else."""

import json
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import ClassVar

import pytest
import torch
from small_shops import order_only

from regard.attention import ATTENTION, DISTANCES
from regard.classical import CLASSICAL, Popularity
from regard.data.split import split_leave_last_out
from regard.data.synthetic import markov_world
from regard.errors import ConfigurationError, NeedsClockError
from regard.models import MODELS
from regard.models.sasrec import SASRec, SASRecConfig
from regard.recommender.docstrings import HEADINGS, describe, entries
from regard.recommender.fitting import welcome
from regard.recommender.listing import Entry, Listing, listing
from regard.recommender.model_pages import facts, index, page, summary
from regard.schema import FIRST_CODE

FOUND = listing()
NAMES = [each.name for each in FOUND.entries]
IN_ONE_PARAGRAPH = {"mechanism": "Differs from the paper", "distances": "Differs from the paper"}
"""Those of the attention room tell where they leave a paper beside the paper."""

each_entry = pytest.mark.parametrize("entry", FOUND.entries, ids=NAMES)


@each_entry
def test_a_docstring_has_every_heading_in_order(entry: Entry) -> None:
    optional = IN_ONE_PARAGRAPH.get(entry.kind)
    wanted = [each for each in HEADINGS if each != optional]
    told = [each for each in entry.description.parts if each != optional]
    assert told == wanted, (
        f"The docstring of {entry.module} must have the paragraphs {', '.join(wanted)}, in this "
        f"order; it has {', '.join(told) or 'none'}."
    )
    assert all(entry.description.parts.values())


@each_entry
def test_it_opens_with_a_sentence_and_tells_its_cost(entry: Entry) -> None:
    assert entry.line.endswith("."), f"{entry.module} must open with a sentence"
    assert len(entry.line) < 120, f"the first sentence of {entry.module} is too long for a table"
    assert entry.cost.startswith("O("), (
        f"Cost of {entry.module} must name its time as `O(...)`, such as: Cost: time `O(L² D)`."
    )


@each_entry
def test_every_option_is_explained(entry: Entry) -> None:
    silent = [each.name for each in entry.options if not each.meaning]
    assert silent == [], f"{entry.module} does not say what these are"


def test_everything_is_listed_once_under_a_name_of_its_own() -> None:
    assert [*MODELS, *CLASSICAL, *ATTENTION, *DISTANCES] == NAMES
    assert len(set(NAMES)) == len(NAMES), "two pages would have the same name"
    assert FOUND.missing == ()


@pytest.mark.parametrize("name", MODELS)
def test_a_network_promises_what_its_class_promises(name: str) -> None:
    kind, entry = MODELS[name], FOUND.entry(name)
    with torch.random.fork_rng(devices=[]):
        model = kind(kind.config_class(), FIRST_CODE + 1)
    assert entry.has_map == model.promises.has_map
    if not kind.by_options:
        assert entry.reads_time == model.with_times
        assert entry.causal == model.promises.causal
        assert entry.objective == model.objective
        assert entry.about_map == model.promises.because
    assert [each.name for each in entry.options] == [each.name for each in fields(model.config)]


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_method_that_reads_a_clock_refuses_a_log_without_one(name: str) -> None:
    training = split_leave_last_out(
        order_only(markov_world(users=20, items=6, length=8).log)
    ).training
    reads = FOUND.entry(name).reads_time
    if reads:
        with pytest.raises(NeedsClockError):
            CLASSICAL[name]().fit(training)
    else:
        CLASSICAL[name]().fit(training)
    if reads is None and "days" in asdict(CLASSICAL[name]().config):
        with pytest.raises(NeedsClockError):
            CLASSICAL[name](days=3.0).fit(training)


def test_facts_of_each_kind() -> None:
    compose, session = FOUND.entry("compose"), FOUND.entry("session-knn")
    assert facts(compose)[:4] == ("optional", "yes", "", "yes")
    assert (compose.causal, compose.objective) == (None, None)
    assert facts(session)[:4] == ("optional", "", "", "")
    assert summary(FOUND.entry("sasrec")) == "features · map · O(L² D + L D²)"
    assert FOUND.entry("sasrec").objective == "next-item"
    assert FOUND.entry("low-rank").causal is False
    assert FOUND.entry("time-interval").reads_time
    assert not FOUND.entry("target").alone
    window = FOUND.entry("local-window").options
    assert [(each.name, each.default) for each in window] == [
        ("width", ""), ("heads", "1"), ("window", "32"), ("bias", "False"),
    ]  # fmt: skip
    options = {each.name: each.default for each in compose.options}
    assert options["options_of"] == "{}"


def test_as_plain_values() -> None:
    document = json.loads(json.dumps(FOUND.to_dict(), allow_nan=False))
    assert document["missing"] == []
    markov = next(each for each in document["models"] if each["name"] == "markov")
    assert markov["parts"]["differs_from_the_paper"].startswith("counts are not normalised")
    assert markov["cost"] == "O(E)"
    assert markov["kind"] == "classical method"


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match=r"called 'sasrek'; did you mean 'sasrec'\?"):
        FOUND.entry("sasrek")
    with pytest.raises(ConfigurationError, match="called 'xyz'; `regard models` lists all names"):
        FOUND.entry("xyz")


def test_without_torch_the_classical_methods_are_listed() -> None:
    program = (
        "import regard.recommender.recommender, sys\n"
        "sys.modules['torch'] = None\n"
        "from regard.recommender.listing import listing\n"
        "from regard.errors import ConfigurationError\n"
        "found = listing()\n"
        "print(*[each.name for each in found.entries])\n"
        "print(*found.missing)\n"
        "try:\n    found.entry('sasrec')\n"
        "except ConfigurationError as refused:\n    print(refused)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    missing = (
        "The list of networks and mechanisms needs torch, which is not installed. Install it with: "
        "pip install 'regard[torch]'"
    )
    assert said[0].split() == list(CLASSICAL)
    assert said[1] == missing
    assert said[2] == f"'sasrec' is not listed here. {missing}"


@pytest.fixture
def unknown_network() -> Iterator[type[SASRec]]:
    """A network of an unseen module, whose docstring has the form but for one part."""
    module = types.ModuleType("of_somebody")
    module.__doc__ = (
        "STAMP: the last click and the mean.\n\n::\n\n    clicks -> mean\n\n    -> answer\n\n"
        "Idea: now, and\nin general.\n\nFormula: with m the mean::\n\n    h = m * x\n\nand no more."
        "\n\nSource: somebody 2018.\n\nCost: time `O(L D)`, memory `O(L D)`.\n"
    )

    @dataclass(frozen=True, kw_only=True)
    class StampConfig(SASRecConfig):
        """Sizes.

        Attributes:
            width: of a|b.
                and more.
        """

    class Stamp(SASRec):
        name: ClassVar[str] = "stamp-of-somebody"
        config_class: ClassVar[type] = StampConfig

    Stamp.__module__ = StampConfig.__module__ = module.__name__
    sys.modules[module.__name__] = module
    welcome(Stamp)
    yield Stamp
    del MODELS["stamp-of-somebody"], sys.modules[module.__name__]


def test_a_network_of_ones_own_is_listed_and_what_it_does_not_say_is_missing(
    unknown_network: type[SASRec],
) -> None:
    entry = listing().entry(unknown_network.name)
    assert entry.description.missing == ("Differs from the paper",)
    with pytest.raises(AssertionError, match="of_somebody must have the paragraphs"):
        test_a_docstring_has_every_heading_in_order(entry)
    with pytest.raises(AssertionError, match="of_somebody does not say"):
        test_every_option_is_explained(entry)
    assert entry.options[0].meaning == "of a|b. and more."
    written = page(entry)
    assert "```text\nclicks -> mean\n\n-> answer\n```" in written
    assert "## Idea\n\nNow, and in general.\n" in written
    assert "With m the mean:\n\n```text\nh = m * x\n```\n\nand no more.\n\n## Source" in written
    assert r"| `width` | `64` | of a\|b. and more. |" in written


def test_a_class_without_a_page_is_told_by_its_own_docstring() -> None:
    class Favourites(Popularity):
        """Counts favourites.

        Idea: the same.
        """

        name = "favourites"

    welcome(Favourites)
    try:
        entry = listing().entry("favourites")
        assert entry.line == "Counts favourites."
        assert entry.description.parts == {"Idea": "the same."}
    finally:
        del CLASSICAL["favourites"]


def test_descriptions_of_next_to_nothing() -> None:
    assert describe(None).opening == ""
    assert describe("One line.").missing == HEADINGS
    assert entries(None, "Args") == {}
    told = describe("A.\n\nIdea: b.\n\nNot causal: c.\n\nIdeal: d.")
    assert told.parts == {"Idea": "b.\n\nNot causal: c.\n\nIdeal: d."}


@each_entry
def test_a_page_tells_all_of_it(entry: Entry) -> None:
    written = page(entry)
    assert written.startswith(f"# {entry.name}\n\n{entry.line}\n")
    for heading in entry.description.parts:
        assert f"\n## {heading}\n" in written
    for option in entry.options:
        assert f"| `{option.name}` | " in written
    assert written.count("```") % 2 == 0
    assert "\n\n\n" not in written
    assert written.endswith("\n")
    used = "## At the prompt" in written or "## In a recipe" in written
    assert used == entry.alone


def test_what_a_page_tells_to_write_makes_a_network() -> None:
    import tomllib

    from regard.recommender.networks import build
    from regard.recommender.recipe import Recipe

    for entry in FOUND.entries:
        _, _, behind = page(entry).partition("```toml\n")
        if behind and entry.name != "entmax":
            recipe = Recipe.from_dict(tomllib.loads(behind.partition("```")[0]))
            assert build(recipe, 5).name == "compose"


def test_the_index_links_all_pages() -> None:
    written = index(FOUND)
    for name in NAMES:
        assert f"| [{name}]({name}.md) | " in written
    kinds = ("Networks", "Classical methods", "Mechanisms", "Schemes of distances")
    assert [written.index(f"## {kind}\n") for kind in kinds] == sorted(
        written.index(f"## {kind}\n") for kind in kinds
    )
    assert str(Listing(FOUND.entries[:1], ("No more.",))) == "network: sasrec\nNo more."
