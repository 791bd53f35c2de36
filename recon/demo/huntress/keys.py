"""The three credentials of the invented Huntress: key and secret. They open nothing but it."""

from __future__ import annotations

from typing import Final, Literal

Whose = Literal["account", "user", "reseller"]

ACCOUNT_KEY: Final = ("hk_demo_account", "hs_demo_account_secret")
USER_KEY: Final = ("hk_demo_user", "hs_demo_user_secret")
RESELLER_KEY: Final = ("hk_demo_reseller", "hs_demo_reseller_secret")
WHOSE: Final[dict[tuple[str, str], Whose]] = {ACCOUNT_KEY: "account", USER_KEY: "user", RESELLER_KEY: "reseller"}
