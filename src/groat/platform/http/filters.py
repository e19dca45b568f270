"""The filters that all lists of amounts share: time of creation, amount, currency, metadata."""

from typing import Annotated, Literal, TypeAlias

from fastapi import Depends, Query

from groat.kernel.errors import InvalidRequest
from groat.kernel.filters import AmountFilter, MetadataFilter
from groat.platform.http.edge import Moment, ProviderAccountIdText, Text

Order = Annotated[Literal["desc", "asc"], Query(description="`desc` is newest first.")]
Amount = Annotated[int, Query(ge=0, le=2**63 - 1)]
Currency = Annotated[str, Query(pattern="^[A-Z]{3}$", examples=["EUR"])]

ProviderQuery = Annotated[
    Text | None, Query(description="Only objects at this provider.", examples=["stripe"])
]
ProviderAccountQuery = Annotated[
    ProviderAccountIdText | None, Query(description="Only objects at this provider account.")
]
ProviderReferenceQuery = Annotated[
    Text | None, Query(description="The provider's id of the object.")
]


async def _amounts(
    created_from: Annotated[
        Moment | None, Query(description="Only objects created at this time or later.")
    ] = None,
    created_before: Annotated[
        Moment | None, Query(description="Only objects created before this time.")
    ] = None,
    amount_min: Annotated[Amount | None, Query(description="Least amount, in minor units.")] = None,
    amount_max: Annotated[
        Amount | None, Query(description="Greatest amount, in minor units.")
    ] = None,
    currency: Currency | None = None,
    order: Order = "desc",
) -> AmountFilter:
    oldest_first = order == "asc"
    return AmountFilter(
        created_from, created_before, amount_min, amount_max, currency, oldest_first
    )


async def _metadata(
    metadata_key: Annotated[
        Text | None, Query(description="Only objects whose metadata has this key.")
    ] = None,
    metadata_value: Annotated[
        str | None, Query(max_length=500, description="The value of `metadata_key`.")
    ] = None,
) -> MetadataFilter:
    if metadata_value is not None and metadata_key is None:
        raise InvalidRequest("invalid_metadata", "A metadata_value needs its metadata_key.")
    return MetadataFilter(metadata_key, metadata_value)


AmountFilterOf: TypeAlias = Annotated[AmountFilter, Depends(_amounts)]
"""The time of creation, the amount, the currency and the order that a request asks for."""

MetadataFilterOf: TypeAlias = Annotated[MetadataFilter, Depends(_metadata)]
"""The metadata that a request asks for."""
