"""Ids in requests and responses: TypeIDs in JSON, UUIDs in Python."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from groat.kernel import ids
from groat.kernel.ids import (
    AccountId,
    DisputeId,
    HoldId,
    OperationId,
    PaymentId,
    ProviderAccountId,
    ProviderEventId,
    RefundId,
    TransactionId,
)


@dataclass(frozen=True)
class IdText:
    """Annotates a UUID that JSON shows as a TypeID: ``Annotated[PaymentId, IdText("payment")]``."""

    kind: str

    def __get_pydantic_core_schema__(
        self, _source: object, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema that reads a TypeID or a UUID and writes a TypeID."""
        from_text = core_schema.no_info_after_validator_function(
            lambda text: ids.parse(self.kind, text), core_schema.str_schema(max_length=64)
        )
        return core_schema.union_schema(
            [core_schema.is_instance_schema(UUID), from_text],
            mode="left_to_right",
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: ids.render(self.kind, value)
            ),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON schema of the TypeID."""
        return {"type": "string", "pattern": f"^{ids.PREFIXES[self.kind]}_[0-9a-z]{{26}}$"}


AccountIdText = Annotated[AccountId, IdText("account")]
DisputeIdText = Annotated[DisputeId, IdText("dispute")]
HoldIdText = Annotated[HoldId, IdText("hold")]
OperationIdText = Annotated[OperationId, IdText("operation")]
PaymentIdText = Annotated[PaymentId, IdText("payment")]
ProviderAccountIdText = Annotated[ProviderAccountId, IdText("provider_account")]
ProviderEventIdText = Annotated[ProviderEventId, IdText("provider_event")]
RefundIdText = Annotated[RefundId, IdText("refund")]
TransactionIdText = Annotated[TransactionId, IdText("ledger_transaction")]
