"""The settlement files of a simulator, downloaded and imported."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import httpx

from groat.settlement.domain.summary import ImportOutcome
from groat.settlement.service.files import SettlementReport
from tests.support.world import OPERATOR, Site, World

_STRIPES_KINDS = ("balance_change_from_activity.itemized.3", "payouts.itemized.3")
_AUTH = ("sk_test_groat", "")


async def downloads(site: Site, provider: str) -> list[bytes]:
    """Return the reports that together list all that the provider has booked until now."""
    if provider == "paypal":
        day = {"day": f"{datetime.now(UTC):%Y-%m-%d}"}
        answer = await site.http.get("/_simulator/settlement_report", params=day)
        return [answer.raise_for_status().content]
    return [await _stripes(site.http, kind) for kind in _STRIPES_KINDS]


async def _stripes(http: httpx.AsyncClient, kind: str) -> bytes:
    interval = {"parameters[interval_start]": "0", "parameters[interval_end]": str(2**40)}
    form = {"report_type": kind, **interval}
    run = await http.post("/v1/reporting/report_runs", data=form, auth=_AUTH)
    run.raise_for_status()
    done = await http.get(f"/v1/reporting/report_runs/{run.json()['id']}", auth=_AUTH)
    return (await http.get(done.json()["result"]["url"], auth=_AUTH)).raise_for_status().content


async def import_all(world: World, provider: str) -> list[ImportOutcome]:
    """Import the reports of a provider."""
    site = world.site(provider)
    return [await import_content(world, site, one) for one in await downloads(site, provider)]


async def import_content(world: World, site: Site, content: bytes) -> ImportOutcome:
    """Import a report of a provider account."""
    caller = OPERATOR.acting_for(world.merchant_id)
    report = SettlementReport(caller, site.account_id, "today", (io.BytesIO(content),))
    return await world.engine.settlement_files.import_report(report, lambda _, __: None)
