"""A payment's life: the table of states, the operations at providers, the facts that move it."""
