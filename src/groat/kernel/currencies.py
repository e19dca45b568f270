"""Decimals of every currency of ISO 4217, including currencies withdrawn since 2010.

Amounts are stored in minor units. A stored amount is only readable with the decimals that its
currency had when the amount was written. So a currency that ISO 4217 withdraws stays in this table.
A test compares the table with the installed ``iso4217`` package.
"""

from __future__ import annotations

from collections.abc import Mapping

_CURRENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
    "GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
    "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD "
    "PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
    "SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR "
    "ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Currencies in ISO 4217 on 2026-01-01, by their number of decimals."""

_WITHDRAWN = {
    0: "BYR",
    2: "ANG BGN CUC EEK HRK LTL LVL MRO SLL STD VEF ZMK ZWL",
}
"""Currencies withdrawn since 2010, by their number of decimals. Source: ISO 4217, list three."""

DECIMALS: Mapping[str, int] = {
    currency: decimals
    for table in (_CURRENT, _WITHDRAWN)
    for decimals, currencies in table.items()
    for currency in currencies.split()
}
