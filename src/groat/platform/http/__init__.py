"""The shared parts of the HTTP API: limits, strict bodies, paging and problem documents."""
