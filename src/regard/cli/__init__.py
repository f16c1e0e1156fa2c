"""The same verbs, typed at a prompt."""
