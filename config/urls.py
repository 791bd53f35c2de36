"""Every address: our apps', sign-in's, and the health check's."""

from allauth.account import views as sign_in
from django.urls import include, path, re_path

from config.health import healthz

# allauth has more. Left out: adding, changing and confirming e-mail addresses. Roles are given to addresses, so that whoever could take
# one by themselves would take its roles.
sign_in_urls = [
    path("login/", sign_in.login, name="account_login"),
    path("logout/", sign_in.logout, name="account_logout"),
    path("inactive/", sign_in.account_inactive, name="account_inactive"),
    path("signup/", sign_in.signup, name="account_signup"),  # says that it is closed
    path("reauthenticate/", sign_in.reauthenticate, name="account_reauthenticate"),
    path("password/change/", sign_in.password_change, name="account_change_password"),
    path("password/set/", sign_in.password_set, name="account_set_password"),
    path("password/reset/", sign_in.password_reset, name="account_reset_password"),
    path("password/reset/done/", sign_in.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        sign_in.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/key/done/", sign_in.password_reset_from_key_done, name="account_reset_password_from_key_done"),
]
urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("account/", include(sign_in_urls)),
    path("", include("accounts.urls")),
    path("", include("ingest.urls")),
    path("", include("recon.urls")),
]
handler400 = "config.errors.bad_request"
