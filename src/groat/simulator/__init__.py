"""Simulators of Stripe and PayPal, with their own books.

They are a development tool for the loopback address. All their data is in memory and is lost when
the process ends. Of the engine, they import only the kernel. So their books are an independent
witness, which shares none of the engine's mistakes.
"""
