"""Types and rules that every module shares: money, ids, times and errors. Does no I/O."""
