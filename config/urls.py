"""Every address: our apps', sign-in's, and the health check's."""

from importlib.util import find_spec

from django.urls import include, path

from config.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("account/", include("allauth.account.urls")),
    *(path("", include(urls)) for urls in ("accounts.urls", "ingest.urls", "recon.urls") if find_spec(urls)),
]
