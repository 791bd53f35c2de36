"""Files, how their columns are read, and background work, always within an account."""

from django.urls import path

from ingest import views

app_name = "ingest"
urlpatterns = [
    path("a/<slug:account>/files/", views.files, name="files"),
    path("a/<slug:account>/files/<int:pk>/", views.file, name="file"),
    path("a/<slug:account>/files/<int:pk>/mapping", views.state_mapping, name="state_mapping"),
    path("a/<slug:account>/files/<int:pk>/discard", views.discard, name="discard"),
    path("a/<slug:account>/files/<int:pk>/original", views.original, name="original"),
    path("a/<slug:account>/files/<int:pk>/record", views.record, name="record"),
    path("a/<slug:account>/files/<int:pk>/rows.csv", views.rows_csv, name="rows_csv"),
    path("a/<slug:account>/settings/mappings/", views.mappings, name="mappings"),
    path("a/<slug:account>/settings/mappings/export", views.export_mappings, name="export_mappings"),
    path("a/<slug:account>/settings/mappings/<int:pk>/", views.mapping, name="mapping"),
    path("a/<slug:account>/settings/mappings/<int:pk>/export", views.export_mapping, name="export_mapping"),
    path("a/<slug:account>/settings/mappings/<int:pk>/delete", views.delete_mapping, name="delete_mapping"),
    path("a/<slug:account>/settings/connections/", views.connections, name="connections"),
    path("a/<slug:account>/settings/connections/add", views.add_connection, name="add_connection"),
    path("a/<slug:account>/settings/connections/<int:pk>/", views.connection, name="connection"),
    path("a/<slug:account>/settings/connections/<int:pk>/change", views.change_connection, name="change_connection"),
    path("a/<slug:account>/settings/connections/<int:pk>/key", views.replace_secret, name="replace_secret"),
    path("a/<slug:account>/settings/connections/<int:pk>/test", views.test_connection, name="test_connection"),
    path("a/<slug:account>/settings/connections/<int:pk>/confirm", views.confirm_connection, name="confirm_connection"),
    path("a/<slug:account>/settings/connections/<int:pk>/remove", views.remove_connection, name="remove_connection"),
    path("a/<slug:account>/pulls/", views.pulls, name="pulls"),
    path("a/<slug:account>/pulls/plan/", views.pull_plan, name="pull_plan"),
    path("a/<slug:account>/pulls/<int:pk>/", views.pull, name="pull"),
    path("a/<slug:account>/pulls/<int:pk>/cancel", views.cancel_pull, name="cancel_pull"),
    path("a/<slug:account>/jobs/", views.jobs, name="jobs"),
    path("a/<slug:account>/jobs/<int:pk>/cancel", views.cancel, name="cancel"),
]
