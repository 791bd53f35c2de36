"""Microsoft's clouds: each has a host to sign in at and a host of Graph, and a tenant lives in exactly one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cloud:
    """``login`` and ``graph`` are origins without a slash at the end; ``code`` is what is stored."""

    code: str
    label: str
    login: str
    graph: str

    @property
    def base(self) -> str:
        return f"{self.graph}/v1.0/"

    @property
    def scopes(self) -> list[str]:
        """All application permissions that were consented to; client credentials know no other scope."""
        return [f"{self.graph}/.default"]


_TABLE: Final = (
    Cloud("global", "Microsoft 365 (worldwide, and GCC)", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
    Cloud("us_gov", "US Government (GCC High)", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
    Cloud("us_dod", "US Government (DoD)", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    Cloud("china", "China (21Vianet)", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
)
CLOUDS: Final = {cloud.code: cloud for cloud in _TABLE}
GLOBAL: Final = CLOUDS["global"]
