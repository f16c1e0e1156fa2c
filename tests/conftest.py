"""What all tests share: Hypothesis without a clock, since the machine may be busy."""

from hypothesis import settings

settings.register_profile("regard", deadline=None)
settings.load_profile("regard")

# Without this, --doctest-modules would import each conftest.py once more, all under one name.
collect_ignore_glob = ["*conftest.py"]
