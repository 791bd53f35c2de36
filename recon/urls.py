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
    path("a/<slug:account>/months/<date:start>/revisions/<int:revision>/sign/", views.revision_sign, name="revision_sign"),
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
    path("a/<slug:account>/tolerances/", views.tolerances, name="tolerances"),
    path("a/<slug:account>/audit/", views.audit, name="audit"),
    path("a/<slug:account>/audit/events.csv", views.audit_csv, name="audit_csv"),
    path("a/<slug:account>/matches/", views.matches, name="matches"),
    path("a/<slug:account>/matches/settle", views.settle, name="settle"),
]
