"""The simulated providers. A new one has its record in its own folder, and its entry here.

The entry gives it a setting for its port, a place in ``groat up``, and payments in the demo.
"""

from __future__ import annotations

from groat.simulator.paypal.site import PAYPAL
from groat.simulator.stripe.site import STRIPE

SIMULATED = {one.name: one for one in (STRIPE, PAYPAL)}
