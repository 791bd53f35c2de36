"""Months, always within an account, and the way a checked file gets into one."""

from django.urls import path, register_converter

from recon import views
from recon.converters import DateConverter, IdConverter

register_converter(DateConverter, "date")
register_converter(IdConverter, "id")

app_name = "recon"
urlpatterns = [
    path("", views.home, name="home"),
    path("a/<slug:account>/", views.account, name="account"),
    path("a/<slug:account>/months/<date:start>/", views.month, name="month"),
    path("a/<slug:account>/months/<date:start>/recount", views.recount, name="recount"),
    path("a/<slug:account>/months/<date:start>/rows/<id:organization>/<slug:product>/", views.row, name="row"),
    path("a/<slug:account>/months/<date:start>/rows/<id:organization>/<slug:product>/notes", views.add_note, name="add_note"),
    path("a/<slug:account>/months/<date:start>/exports", views.start_export, name="start_export"),
    path("a/<slug:account>/exports/<int:pk>/", views.export, name="export"),
    path("a/<slug:account>/exports/<int:pk>/download", views.download, name="download"),
    path("a/<slug:account>/files/<int:pk>/import", views.start_import, name="start_import"),
    path("a/<slug:account>/files/<int:pk>/use", views.use_again, name="use_again"),
    path("a/<slug:account>/inputs/<int:pk>/withdraw", views.withdraw, name="withdraw"),
    path("a/<slug:account>/matches/", views.matches, name="matches"),
    path("a/<slug:account>/matches/settle", views.settle, name="settle"),
]
