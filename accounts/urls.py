"""Who may do what in an account, and how it is set up. Signing in is allauth's, under ``account/``."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("a/<slug:account>/people/", views.people, name="people"),
    path("a/<slug:account>/people/<int:pk>/", views.person, name="person"),
    path("a/<slug:account>/people/<int:pk>/remove", views.remove_person, name="remove_person"),
    path("a/<slug:account>/people/<int:pk>/link", views.send_link, name="send_link"),
    path("a/<slug:account>/settings/", views.settings, name="settings"),
]
