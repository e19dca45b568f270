from __future__ import annotations

from groat.kernel.scopes import ALL_SCOPES, Access
from tests.support.shared_api import api_document

ADMINISTRATION = {
    "PUT /v1/routing-rules",
    "POST /v1/api-keys",
    "POST /v1/api-keys/{key_id}/roll",
    "POST /v1/api-keys/{key_id}/revoke",
    "POST /v1/provider-accounts/{account_id}/backfill",
    "POST /v1/provider-events/replay",
    "POST /v1/provider-events/{event_id}/replay",
    "POST /v1/webhook-endpoints",
    "PATCH /v1/webhook-endpoints/{endpoint_id}",
    "POST /v1/webhook-endpoints/{endpoint_id}/rotate-secret",
    "POST /v1/webhook-endpoints/{endpoint_id}/recover",
    "POST /v1/webhook-endpoints/{endpoint_id}/deliveries/{event_id}/resend",
}


def test_every_operation_requires_one_scope() -> None:
    paths = api_document()["paths"]
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    assert len(operations) > 30
    for name, operation in operations.items():
        [security] = operation["security"]
        [scope] = security["HTTPBearer"]
        assert scope in ALL_SCOPES, name
        access = Access(scope.partition(":")[2])
        assert (access is Access.READ) == name.startswith("GET "), name
        assert (access is Access.ADMIN) == (name in ADMINISTRATION), name
