"""The app registration of the invented Microsoft. It opens nothing but it."""

from __future__ import annotations

from typing import Final

CLIENT_ID: Final = "00000000-0000-4000-8000-0000000c0bb1"
SECRET: Final = "demo-8Q~quillmere.reconciles.its.bills"  # noqa: S105 (of a server that is not Microsoft)
#: The application permissions that the app registration lists, and that a consent gives.
PERMISSIONS: Final = ("Organization.Read.All", "User.Read.All", "MailboxSettings.Read", "AuditLog.Read.All")
