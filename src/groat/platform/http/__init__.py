"""The HTTP edge: limits, strict bodies, paging and problem documents."""
