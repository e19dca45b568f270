"""The simulated providers. A new one has its record in its own folder, and its entry here."""

from __future__ import annotations

from groat.simulator.paypal.site import PAYPAL
from groat.simulator.stripe.site import STRIPE

SIMULATED = {one.name: one for one in (STRIPE, PAYPAL)}
