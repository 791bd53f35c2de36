from accounts.models.account import Account, BillingCycle, Reseller
from accounts.models.audit import AuditEvent
from accounts.models.contract import Contract, ContractStep, ContractVersion
from accounts.models.organization import Alias, FormerName, Organization
from accounts.models.people import Membership, Role, User
from accounts.models.rules import CustomerShare, ProductRule

__all__ = [
    "Account", "Alias", "AuditEvent", "BillingCycle", "Contract", "ContractStep", "ContractVersion", "CustomerShare", "FormerName",
    "Membership", "Organization", "ProductRule", "Reseller", "Role", "User",
]  # fmt: skip
