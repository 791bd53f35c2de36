"""Months, always within an account, and the way a checked file gets into one."""

from django.urls import path, register_converter

from recon import views
from recon.converters import DateConverter

register_converter(DateConverter, "date")

app_name = "recon"
urlpatterns = [
    path("", views.home, name="home"),
    path("a/<slug:account>/", views.account, name="account"),
    path("a/<slug:account>/months/<date:start>/", views.month, name="month"),
    path("a/<slug:account>/months/<date:start>/recount", views.recount, name="recount"),
    path("a/<slug:account>/months/<date:start>/rows/<int:organization>/<slug:product>/", views.row, name="row"),
    path("a/<slug:account>/months/<date:start>/decisions/<int:pk>/undo", views.undo, name="undo"),
    path("a/<slug:account>/months/<date:start>/sign/", views.sign, name="sign"),
    path("a/<slug:account>/months/<date:start>/sign/rejected", views.settle_rejected, name="settle_rejected"),
    path("a/<slug:account>/months/<date:start>/sign/submit", views.submit, name="submit"),
    path("a/<slug:account>/months/<date:start>/sign/return", views.send_back, name="send_back"),
    path("a/<slug:account>/months/<date:start>/sign/sign", views.sign_off, name="sign_off"),
    path("a/<slug:account>/months/<date:start>/sign/reopen", views.reopen, name="reopen"),
    path("a/<slug:account>/months/<date:start>/revisions/<int:revision>/", views.revision, name="revision"),
    path("a/<slug:account>/months/<date:start>/revisions/<int:revision>/sign/", views.sign, name="revision_sign"),
    path(
        "a/<slug:account>/months/<date:start>/revisions/<int:revision>/rows/<int:organization>/<slug:product>/",
        views.revision_row,
        name="revision_row",
    ),
    path("a/<slug:account>/months/<date:start>/exports", views.start_export, name="start_export"),
    path("a/<slug:account>/exports/<int:pk>/", views.export, name="export"),
    path("a/<slug:account>/exports/<int:pk>/download", views.download, name="download"),
    path("a/<slug:account>/files/<int:pk>/import", views.start_import, name="start_import"),
    path("a/<slug:account>/files/<int:pk>/use", views.use_again, name="use_again"),
    path("a/<slug:account>/inputs/<int:pk>/withdraw", views.withdraw, name="withdraw"),
    path("a/<slug:account>/months/<date:start>/invoices", views.add_invoice, name="add_invoice"),
    path("a/<slug:account>/invoices/<int:pk>/withdraw", views.withdraw_invoice, name="withdraw_invoice"),
    path("a/<slug:account>/products/", views.products, name="products"),
    path("a/<slug:account>/organizations/<int:pk>/shares/", views.shares, name="shares"),
    path("a/<slug:account>/renewals/", views.renewals, name="renewals"),
    path("a/<slug:account>/renewals/new/", views.add_contract, name="add_contract"),
    path("a/<slug:account>/renewals/<int:pk>/", views.contract, name="contract"),
    path("a/<slug:account>/renewals/<int:pk>/change/", views.change_contract, name="change_contract"),
    path("a/<slug:account>/renewals/<int:pk>/end", views.end_contract, name="end_contract"),
    path("a/<slug:account>/trends/", views.trends, name="trends"),
    path("a/<slug:account>/tolerances/", views.tolerances, name="tolerances"),
    path("a/<slug:account>/audit/", views.audit, name="audit"),
    path("a/<slug:account>/audit/events.csv", views.audit_csv, name="audit_csv"),
    path("a/<slug:account>/matches/", views.matches, name="matches"),
    path("a/<slug:account>/matches/exact", views.accept_exact, name="accept_exact"),
    path("a/<slug:account>/matches/own", views.accept_own, name="accept_own"),
    path("a/<slug:account>/matches/<int:pk>/", views.match, name="match"),
    path("a/<slug:account>/matches/<int:pk>/answer", views.answer, name="answer"),
    path("a/<slug:account>/matches/<int:pk>/undo", views.undo_match, name="undo_match"),
    path("a/<slug:account>/sweep/", views.sweep, name="sweep"),
    path("a/<slug:account>/sweep/<int:pk>/", views.sweep_machines, name="sweep_machines"),
    path("a/<slug:account>/sweep/changes/", views.sweep_changes, name="sweep_changes"),
    path("a/<slug:account>/sweep/print/", views.sweep_print, name="sweep_print"),
    path("a/<slug:account>/sweep/machines.csv", views.sweep_csv, name="sweep_csv"),
    path("a/<slug:account>/sweep/machines.xlsx", views.sweep_xlsx, name="sweep_xlsx"),
    path("a/<slug:account>/sweep/threshold", views.sweep_threshold, name="sweep_threshold"),
    path("a/<slug:account>/organizations/", views.organizations, name="organizations"),
    path("a/<slug:account>/organizations/<int:pk>/", views.organization, name="organization"),
    path("a/<slug:account>/organizations/<int:pk>/aliases/<int:alias>/revoke", views.revoke_alias, name="revoke_alias"),
]
