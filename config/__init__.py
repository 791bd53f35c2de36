"""The settings, addresses and processes of the project. It knows every part, and no part imports it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
