"""From any log to padded batches: reading, cleaning, splitting, coding."""
