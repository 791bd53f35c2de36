"""One code, two modes: ``embedded`` (SQLite and a queue of its own, nothing to set) and ``services`` (PostgreSQL and Redis, all stated).

docs/operations.md has every variable in a table.
"""

from pathlib import Path
from typing import Any, Final

from csp.constants import NONE, SELF
from django.utils.functional import lazy

from config import broker
from config.environment import SERVICES_NEED, data_dir, env, flag, mode, number, read_secret_files, require, words
from config.secret import kept_secret

BASE_DIR: Final = Path(__file__).resolve().parent.parent
MODE: Final = mode()
SERVICES: Final = MODE == "services"
DATA_DIR: Final = data_dir(BASE_DIR / "var")
if SERVICES:
    read_secret_files(SERVICES_NEED)
    require(SERVICES_NEED)

# --- who may reach it -------------------------------------------------------------------------------------------------------------

DEBUG = flag("RECON_DEBUG", default=False) and not SERVICES
HTTPS: Final = SERVICES and flag("RECON_HTTPS", default=True)
TRUSTED_PROXIES: Final = number("RECON_TRUSTED_PROXIES", 0)

# In the embedded mode the key is made when something is first signed, so that a command that signs nothing writes nothing.
SECRET_KEY: Any = env.str("SECRET_KEY") if SERVICES else env.str("SECRET_KEY", "") or lazy(kept_secret, str)(DATA_DIR / "secret.key")
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
# The first encrypts what is kept of other people's secrets, all decrypt: to change it, state the new one and put the old one behind it.
RECON_SECRETS_KEYS: list[Any] = [
    env.str("RECON_SECRETS_KEY") if SERVICES else env.str("RECON_SECRETS_KEY", "") or lazy(kept_secret, str)(DATA_DIR / "secrets.key"),
    *words("RECON_SECRETS_KEY_FALLBACKS"),
]
ALLOWED_HOSTS = words("ALLOWED_HOSTS", default=() if SERVICES else ("localhost", "127.0.0.1", "[::1]"))
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")

SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "recon_session", "recon_csrf"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for names below this host: for the owner of the domain to say, not for us
    "security.W021",  # and so is a place on the browsers' preload list
]
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.debug.NoSecrets"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# --- what it is made of -----------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "accounts",
    "ingest",
    "recon",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_filters",
    "django_htmx",
    "django_tables2",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.permissions_policy",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.vary_on_htmx",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "recon.context.shell",
            ]
        },
    }
]
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
USE_TZ, TIME_ZONE = True, "UTC"
USE_I18N, LANGUAGE_CODE = False, "en"
DATE_FORMAT, DATETIME_FORMAT, MONTH_DAY_FORMAT = "j M Y", "j M Y, H:i", "j M"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "django.test.runner.DiscoverRunner"

# --- people -----------------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "account_login", "/", "account_login"
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an admin makes the accounts: there is no sign-up to verify
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to people who have no account
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/300s/key",  # the lock-out: five wrong passwords for one address in five minutes
    "reset_password": "20/m/ip,5/m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}

# --- where things are kept --------------------------------------------------------------------------------------------------------

#: The socket of `make run` is found by itself, so that a command given beside it speaks to the same queue.
REDIS_URL = env.str("REDIS_URL", "") or ("" if SERVICES else broker.own_redis(DATA_DIR))
DATABASES: dict[str, dict[str, Any]]
if SERVICES:
    DATABASES = {"default": {**env.db_url("DATABASE_URL"), "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "db.sqlite3",
            # A web process and a worker hold one file only so: WAL, writers that queue up from their BEGIN, and short transactions.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;"
                    "PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456; PRAGMA journal_size_limit = 67108864"
                ),
            },
        }
    }

# The rate limits of sign-in count in the cache, so every web process must see the same one. Without Redis there is one web process.
CACHES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": env.str("CACHE_URL", "") or REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
CACHES["default"]["KEY_PREFIX"] = "recon"

MEDIA_ROOT = DATA_DIR / "files"  # never served by an address: views hand files out after asking whose they are
MEDIA_URL = ""
_STATIC_FILES: Final = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if DEBUG
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    if SERVICES
    else "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"  # compressing takes seconds, and saves nothing within a machine
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _STATIC_FILES},
}
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
FILE_UPLOAD_HANDLERS = ["config.uploads.CappedTemporaryFileHandler"]
RECON_MAX_UPLOAD_MB = number("RECON_MAX_UPLOAD_MB", 200, 1, 4096)
RECON_MAX_STREAMED_MB = number("RECON_MAX_STREAMED_MB", 1024, 1, 65_536)  # of lists read in batches: 5,000,000 agents are about 500
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
DATA_UPLOAD_MAX_NUMBER_FILES = 50

# --- what a reader takes in: past a limit a file is refused in words -------------------------------------------------------------

RECON_MAX_ROWS = number("RECON_MAX_ROWS", 5_000_000, 1, 100_000_000)
RECON_MAX_STREAMED_ROWS = number("RECON_MAX_STREAMED_ROWS", 10_000_000, 1, 1_000_000_000)
RECON_MAX_COLUMNS = number("RECON_MAX_COLUMNS", 1_000, 2, 16_384)
RECON_MAX_CELLS = number("RECON_MAX_CELLS", 100_000_000, 1_000, 2_000_000_000)
RECON_MAX_CELL_LENGTH = number("RECON_MAX_CELL_LENGTH", 32_767, 100, 100_000)
RECON_MAX_UNPACKED_MB = number("RECON_MAX_UNPACKED_MB", 512, 1, 4096)
RECON_MAX_UNPACKED_RATIO = number("RECON_MAX_UNPACKED_RATIO", 300, 10, 100_000)
RECON_MAX_WORKBOOK_CELLS = number("RECON_MAX_WORKBOOK_CELLS", 20_000_000, 1_000, 200_000_000)
RECON_MAX_ODD_ROWS = number("RECON_MAX_ODD_ROWS", 100_000, 100, 10_000_000)
RECON_MAX_ISSUES = number("RECON_MAX_ISSUES", 100_000, 100, 10_000_000)
RECON_MAX_READ_SECONDS = number("RECON_MAX_READ_SECONDS", 900, 5, 3_000)

# --- other people's APIs ----------------------------------------------------------------------------------------------------------

RECON_HUNTRESS_URL = env.str("RECON_HUNTRESS_URL", "") or "https://api.huntress.io/v1/"
# Where `make run` has started the invented Huntress. Only what the demonstration added goes there, and never in the services mode.
RECON_DEMO_HUNTRESS = "" if SERVICES else env.str("RECON_DEMO_HUNTRESS", "")
# And the invented Microsoft, which plays both of its hosts.
RECON_DEMO_MICROSOFT = "" if SERVICES else env.str("RECON_DEMO_MICROSOFT", "")

# --- mail -------------------------------------------------------------------------------------------------------------------------

if SERVICES:
    globals().update(env.email_url("EMAIL_URL"))
    EMAIL_TIMEOUT = 10
else:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", "recon@localhost")

# --- the worker -------------------------------------------------------------------------------------------------------------------

_QUEUE_DIR: Final = DATA_DIR / "queue"
CELERY_BROKER_URL = broker.celery_address(REDIS_URL) or "filesystem://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    # Longer than any task: a time-out shorter than the task starts it again while it runs. Lost work is re-found by our own leases.
    {"visibility_timeout": 6 * 60 * 60, "socket_connect_timeout": 5, "socket_keepalive": True}
    if REDIS_URL
    else {"data_folder_in": str(_QUEUE_DIR), "data_folder_out": str(_QUEUE_DIR), "control_folder": str(_QUEUE_DIR / "control")}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "recon"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 60 * 60
# A page that cannot reach the queue goes on: the job is a row, and the sweep starts it later.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = number("RECON_WORKERS", 2)
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 1024 * 1024  # KiB held after a task: the child is then replaced
CELERY_WORKER_ENABLE_REMOTE_CONTROL = bool(REDIS_URL)
CELERY_WORKER_SEND_TASK_EVENTS = False
#: Parts of one connection's pull that are with the workers at once; one worker at least is left for what people wait for.
RECON_PULL_PARTS = number("RECON_PULL_PARTS", max(1, min(3, CELERY_WORKER_CONCURRENCY - 1)), 1, 20)
RECON_WORKER_MEMORY_MB = number("RECON_WORKER_MEMORY_MB", 4096, 384, 1_048_576, or_zero=True)  # what one task may allocate
_SWEEP_SECONDS: Final = 15 if SERVICES else 5
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep-jobs": {"task": "ingest.tasks.sweep_jobs", "schedule": _SWEEP_SECONDS, "options": {"expires": _SWEEP_SECONDS}},
    "pump-pulls": {"task": "ingest.tasks.pump_pulls", "schedule": 10, "options": {"expires": 10}},
    "purge-personal": {"task": "ingest.tasks.purge_personal", "schedule": 6 * 3600, "options": {"expires": 3600}},
    "begin-pulls": {"task": "ingest.tasks.begin_pulls", "schedule": 60, "options": {"expires": 60}},
}

# --- what it says -----------------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_routine": {"()": "config.logs.NoRoutine"}},
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s" if SERVICES else "%(levelname)s %(name)s: %(message)s"}
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "plain", "filters": ["no_routine"]}
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
