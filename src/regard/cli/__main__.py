"""`python -m regard.cli` does what `regard` does."""

from regard.cli import main

main()
