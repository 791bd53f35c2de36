"""How Microsoft's SKUs are compared: part numbers without regard to case and spaces, GUIDs as 36 small characters."""

import re
from typing import Final

_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: What copying out of a page leaves in a text, and nobody sees.
_UNSEEN: Final = {ord(one): None for one in "\u200b\u200c\u200d\u2060\ufeff\u00ad"}


def tidy(text: str) -> str:
    """A text as people see it: each run of white space (tabs and no-break spaces too) one space, trimmed.

    >>> tidy("O365_w/o\\u00a0Teams Bundle_M3\\t ")
    'O365_w/o Teams Bundle_M3'
    """
    return " ".join(text.translate(_UNSEEN).split())


def sku_key(text: str) -> str:
    """What a part number is compared by (``skuPartNumber``, in Microsoft's table ``String_Id``); "" where there is none.

    >>> sku_key(" Mcopstnc\\u00a0"), sku_key("MCOPSTNC")
    ('mcopstnc', 'mcopstnc')
    """
    return tidy(text).casefold()


def guid_key(text: str) -> str:
    """What a GUID is compared by; "" for what is none. Braces around it are left out.

    >>> guid_key("{C7DF2760-2C81-4EF7-B578-5B5392B571DF}\\u00a0"), guid_key("c7df2760")
    ('c7df2760-2c81-4ef7-b578-5b5392b571df', '')
    """
    folded = tidy(text).casefold().strip("{}")
    return folded if _GUID.fullmatch(folded) else ""
