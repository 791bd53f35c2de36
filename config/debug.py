"""What Django's own error pages and mails leave out, on a developer's machine too: a key that is tried there is a real one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class NoSecrets(SafeExceptionReporterFilter):
    """Hides what views and services have marked, whatever DEBUG says; and every field of a form whose name says that it is a secret.

    Django hides marked fields only where DEBUG is off, and not before the view that marks them is reached.
    """

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        return self._hidden(super().get_post_parameters(request))

    def get_cleansed_multivaluedict(self, request: HttpRequest, multivaluedict: Any) -> Any:
        return self._hidden(super().get_cleansed_multivaluedict(request, multivaluedict))

    def _hidden(self, fields: Any) -> Any:
        named = [name for name in fields if self.hidden_settings.search(str(name))]
        if not named:
            return fields
        hidden = fields.copy()
        for name in named:
            hidden[name] = self.cleansed_substitute
        return hidden
