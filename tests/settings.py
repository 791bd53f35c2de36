"""The settings of the tests: those of the project, in the mode that ``RECON_TEST`` names, on data that is thrown away.

``RECON_TEST=sqlite`` (default) runs the embedded mode, ``RECON_TEST=postgres`` the services mode on ``TEST_DATABASE_URL``. Tasks go to
a queue in memory that nobody reads, until a test asks for the ``worker`` fixture: that starts a real worker process on these settings,
with the test's own database (``RECON_TEST_DATABASE``) and queue (``RECON_TEST_BROKER``) in its environment.
"""

import atexit
import getpass
import os
import shutil
import tempfile
from pathlib import Path

POSTGRES = os.environ.setdefault("RECON_TEST", "sqlite") == "postgres"
if stated := os.environ.get("RECON_TEST_RUN"):
    RUN_DIR = Path(stated)
else:
    RUN_DIR = Path(tempfile.mkdtemp(prefix="recon-test-"))
    atexit.register(shutil.rmtree, RUN_DIR, ignore_errors=True)  # the process that made it ends last
BROKER = os.environ.get("RECON_TEST_BROKER", "")
BROKER_PREFIX = f"{RUN_DIR.name}:{os.environ.get('PYTEST_XDIST_WORKER', 'main')}:"  # several runs may share a Redis

os.environ |= {
    "RECON_TEST_RUN": str(RUN_DIR),  # for the other test processes and the workers
    "RECON_MODE": "services" if POSTGRES else "embedded",
    "RECON_DATA_DIR": str(RUN_DIR / os.environ.get("PYTEST_XDIST_WORKER", "main")),
    "RECON_DEBUG": "0",
    "RECON_HTTPS": "0",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL") or f"postgres://{getpass.getuser()}@127.0.0.1:5432/postgres",
    "REDIS_URL": BROKER or "redis://127.0.0.1:6379/10",
    "SECRET_KEY": "for-the-tests-alone-and-for-nothing-else-0123456789-abcdefgh",
    "RECON_SECRETS_KEY": "for-the-tests-alone-too-and-for-nothing-else-0123456789-abcd",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "CSRF_TRUSTED_ORIGINS": "http://localhost",
    "EMAIL_URL": "memorymail://",
    "DEFAULT_FROM_EMAIL": "recon@example.test",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # playwright's sync API holds an event loop in the test's own thread
}

from config.settings import *  # noqa: E402, F403
from config.settings import CACHES, CELERY_BROKER_TRANSPORT_OPTIONS, DATA_DIR, DATABASES, MIDDLEWARE, STORAGES  # noqa: E402

DATA_DIR.mkdir(parents=True, exist_ok=True)
DATABASES["default"]["TEST"] = {"NAME": RUN_DIR.name.replace("-", "_").lower() if POSTGRES else str(DATA_DIR / "test.sqlite3")}
if not POSTGRES:
    DATABASES["default"]["OPTIONS"]["init_command"] += "; PRAGMA synchronous = OFF"
if name := os.environ.get("RECON_TEST_DATABASE"):
    DATABASES["default"]["NAME"] = name
CELERY_BROKER_URL = BROKER.replace("unix://", "redis+socket://", 1) or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = BROKER_PREFIX

CACHES["default"] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
MIDDLEWARE.remove("whitenoise.middleware.WhiteNoiseMiddleware")  # the live server finds static files by itself
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the tests sign in a thousand times
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
