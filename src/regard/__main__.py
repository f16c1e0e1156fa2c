"""`python -m regard` does what `regard` does."""

from regard.cli import main

main()
