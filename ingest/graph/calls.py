"""Microsoft Graph as a table: every call that we make, the application permission it takes, and what is not known without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

ORGANIZATION_READ, USER_READ, MAILBOX_READ, AUDIT_READ = (
    "Organization.Read.All",
    "User.Read.All",
    "MailboxSettings.Read",
    "AuditLog.Read.All",
)
#: Without these nothing can be counted; each other permission explains, and may be missing.
NEEDED: Final = (ORGANIZATION_READ, USER_READ)

#: The most that Graph gives on a page, and with ``signInActivity`` on it.
_PAGE, _PAGE_OF_ACTIVITY = "999", "500"
_USER: Final = (
    "id,userPrincipalName,mail,accountEnabled,userType,createdDateTime,onPremisesSyncEnabled,assignedLicenses,licenseAssignmentStates"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``label`` ends a sentence such as "Microsoft refused …"; ``id_field`` tells the records of a list apart.

    An advanced query (``is_advanced``) has the header ConsistencyLevel on each of its pages. ``without`` says what is unknown where this is
    refused, and is "" for what a pull cannot do without.
    """

    name: str
    path: str
    label: str
    permission: str
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    id_field: str = "id"
    is_advanced: bool = False
    without: str = ""

    @property
    def is_optional(self) -> bool:
        return bool(self.without)


_TABLE: Final = (
    Call(
        "organization", "organization", "the tenant's name and domains", ORGANIZATION_READ,
        {"$select": "id,displayName,verifiedDomains,countryLetterCode,createdDateTime"},
    ),
    Call(
        "skus", "subscribedSkus", "the tenant's licences", ORGANIZATION_READ,
        {"$select": "skuId,skuPartNumber,appliesTo,capabilityStatus,consumedUnits,prepaidUnits"}, id_field="skuId",
    ),
    Call(
        "trials", "directory/subscriptions", "the tenant's subscriptions", ORGANIZATION_READ,
        {"$select": "id,skuId,skuPartNumber,isTrial,status,totalLicenses,createdDateTime,nextLifecycleDateTime"},
        without="which licences are trials",
    ),
    Call("users", "users", "the list of users", USER_READ, {"$select": _USER, "$top": _PAGE}),
    Call(
        "licensed_users", "users", "the list of users with a licence", USER_READ,
        {"$select": _USER, "$top": _PAGE, "$filter": "assignedLicenses/$count ne 0", "$count": "true"}, is_advanced=True,
    ),
    Call(
        "deleted_users", "directory/deletedItems/microsoft.graph.user", "the list of deleted users", USER_READ,
        {"$select": "id,userPrincipalName,mail,userType,createdDateTime,deletedDateTime", "$top": _PAGE},
        without="who was deleted in the last thirty days",
    ),
    Call(
        "activity", "users", "the users' sign-in activity", AUDIT_READ, {"$select": "id,signInActivity", "$top": _PAGE_OF_ACTIVITY},
        without="who has not signed in for long",
    ),
    Call("mailboxes", "$batch", "what the mailboxes are for", MAILBOX_READ, without="which mailboxes are shared, rooms or equipment"),
)  # fmt: skip
CALLS: Final = {call.name: call for call in _TABLE}
