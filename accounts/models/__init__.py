from accounts.models.account import Account, BillingCycle, Reseller
from accounts.models.audit import AuditEvent
from accounts.models.organization import Alias, FormerName, Organization
from accounts.models.people import Membership, Role, User

__all__ = ["Account", "Alias", "AuditEvent", "BillingCycle", "FormerName", "Membership", "Organization", "Reseller", "Role", "User"]
