"""Logs larger than memory: cut by users into shards, cleaned shard after shard, coded on disk."""
