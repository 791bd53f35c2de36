"""Licences as tenants have them: part numbers and ids are Microsoft's own, from its published table of products."""

from __future__ import annotations

from typing import Final

SKUS: Final = {
    "SPB": "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46",
    "O365_BUSINESS_PREMIUM": "f245ecc8-75af-4f8e-b61f-27d8114de5f3",
    "O365_BUSINESS_ESSENTIALS": "3b555118-da6a-4418-894f-7df1e2096870",
    "EXCHANGESTANDARD": "4b9405b0-7788-4568-add1-99614e613b69",
    "M365EDU_A3_FACULTY": "4b590615-0888-425a-a965-b3bf7789848d",
    "SPE_E5": "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
    "SMB_APPS": "90d8b3f8-712e-4f7b-aa1e-62e7ae6cbe96",
    "MCOPSTNC": "47794cd0-f0e5-45c5-9033-2eb6b5fc84e0",
    "FORMS_PRO": "bc946dac-7877-4271-b2f7-99d2db13cd2c",
    "FLOW_FREE": "f30db892-07e9-47e9-837c-80727f46fd3d",
    "MEETING_ROOM": "6070a4c8-34c6-4937-8dfb-39bbc6397a60",
    "MCOCAP": "295a8eb0-f78d-45c7-8b5b-1eed5ed02dff",
}
#: Held by somebody, and in no tenant's list of licences: Microsoft has retired products like that.
UNKNOWN: Final = "7f3c9a52-0000-4000-8000-00000000dead"
#: These belong to the tenant or to a device, never to a person.
OF_COMPANY: Final = frozenset({"MCOPSTNC"})
#: These bring Entra ID P1, without which there is no sign-in activity to read.
WITH_PREMIUM: Final = frozenset({"SPB", "SPE_E5", "M365EDU_A3_FACULTY"})
PART_OF: Final = {guid: part for part, guid in SKUS.items()}
