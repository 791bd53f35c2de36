from accounts.models.account import Account, BillingCycle, Reseller
from accounts.models.audit import AuditEvent
from accounts.models.contract import Contract, ContractStep, ContractVersion
from accounts.models.organization import Alias, FormerName, Organization
from accounts.models.people import Membership, Role, User
from accounts.models.rules import CustomerShare, ProductRule
from accounts.models.tenant import ConsentLink, Tenant, TenantCount

__all__ = [
    "Account", "Alias", "AuditEvent", "BillingCycle", "ConsentLink", "Contract", "ContractStep", "ContractVersion", "CustomerShare",
    "FormerName", "Membership", "Organization", "ProductRule", "Reseller", "Role", "Tenant", "TenantCount", "User",
]  # fmt: skip
