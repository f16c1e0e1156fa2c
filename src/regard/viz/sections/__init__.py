"""The sections of a report page, in the order in which they are told."""
