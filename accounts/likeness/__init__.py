"""How alike two names of customers are: a score of 100 with its reasons, and the few likely partners of many names. PURE

Likeness only ever suggests. Who an Organization is comes from ids, keys, confirmed aliases and exact names (``accounts.matching``).
"""

from accounts.likeness.compare import Likeness, Reason, compare
from accounts.likeness.crowd import Crowd
from accounts.likeness.partners import CERTAINTIES, Certainty, Partner, certainty, partners

__all__ = ["CERTAINTIES", "Certainty", "Crowd", "Likeness", "Partner", "Reason", "certainty", "compare", "partners"]
