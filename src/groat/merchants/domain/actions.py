"""The audit actions of merchants. Pure."""

from __future__ import annotations

from groat.audit.domain.action import Action


class MerchantAction(Action):
    """The changes of merchants, their API keys and their provider accounts."""

    MERCHANT_CREATED = "merchant.created", "A merchant was created."
    DATA_KEY_REWRAPPED = "merchant.data_key_rewrapped", "The data key got the newest master key."
    API_KEY_CREATED = "api_key.created", "An API key was created."
    API_KEY_ROLLED = "api_key.rolled", "An API key was replaced, and expires after the overlap."
    API_KEY_REVOKED = "api_key.revoked", "An API key was revoked."
    PROVIDER_ACCOUNT_PUT = "provider_account.put", "Credentials of a provider account were stored."
    PROVIDER_ACCOUNT_DELETED = "provider_account.deleted", "A provider account was deleted."
