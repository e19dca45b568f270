"""The secrets of webhook endpoints: encrypted with the merchant's data key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from groat.kernel.ids import EndpointId, MerchantId
from groat.merchants.service.merchants import MerchantService
from groat.notifications.domain.endpoint import Secret, new_secret
from groat.platform.crypto import seal, unseal
from groat.platform.postgres.connection import Connection

_SECRET_BYTES = 32
_MOST_REMEMBERED = 10_000
"""Maximum endpoints whose decrypted secrets a process keeps in memory."""

_decoder = msgspec.json.Decoder(list[Secret])


class EndpointSecrets:
    """Makes, encrypts and decrypts secrets. It remembers those that it has decrypted."""

    def __init__(self, merchants: MerchantService) -> None:
        self._merchants = merchants
        self._opened: dict[bytes, list[Secret]] = {}

    def new(self) -> Secret:
        """Return a new random secret."""
        return new_secret(secrets.token_bytes(_SECRET_BYTES))

    async def sealed(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        endpoint_id: EndpointId,
        texts: Sequence[Secret],
    ) -> bytes:
        """Return the secrets of an endpoint, encrypted.

        Raises:
            NotFound: the merchant does not exist.
        """
        data_key = await self._merchants.data_key_within(connection, merchant_id)
        return seal(data_key, msgspec.json.encode(texts), endpoint_id.bytes)

    def remembered(self, sealed: bytes) -> list[Secret] | None:
        """Return secrets that were decrypted before, else None."""
        return self._opened.get(sealed)

    async def opened(
        self,
        connection: Connection,
        merchant_id: MerchantId,
        endpoint_id: EndpointId,
        sealed: bytes,
    ) -> list[Secret]:
        """Return the decrypted secrets of an endpoint.

        Raises:
            ConfigurationError: ``wrong_master_key``; the row was altered.
        """
        data_key = await self._merchants.data_key_within(connection, merchant_id)
        found = _decoder.decode(unseal(data_key, sealed, endpoint_id.bytes))
        if len(self._opened) >= _MOST_REMEMBERED:
            self._opened.clear()
        self._opened[sealed] = found
        return found
