from accounts.models.account import Account, BillingCycle, Reseller
from accounts.models.organization import Alias, Organization
from accounts.models.people import Membership, Role, User

__all__ = ["Account", "Alias", "BillingCycle", "Membership", "Organization", "Reseller", "Role", "User"]
