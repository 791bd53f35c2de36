"""Files and background work, always within an account."""

from django.urls import path

from ingest import views

app_name = "ingest"
urlpatterns = [
    path("a/<slug:account>/files/", views.files, name="files"),
    path("a/<slug:account>/files/<int:pk>/", views.file, name="file"),
    path("a/<slug:account>/files/<int:pk>/mapping", views.state_mapping, name="state_mapping"),
    path("a/<slug:account>/files/<int:pk>/discard", views.discard, name="discard"),
    path("a/<slug:account>/files/<int:pk>/original", views.original, name="original"),
    path("a/<slug:account>/files/<int:pk>/rows.csv", views.rows_csv, name="rows_csv"),
    path("a/<slug:account>/jobs/", views.jobs, name="jobs"),
    path("a/<slug:account>/jobs/<int:pk>/cancel", views.cancel, name="cancel"),
]
