"""The WSGI application that granian serves."""

import os
import signal

from django.core.wsgi import get_wsgi_application

from config.process import SUPERVISED, die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if os.environ.get(SUPERVISED):
    die_with_parent(signal.SIGTERM)  # a worker of granian outlives a granian that was killed, and keeps the port

application = get_wsgi_application()
