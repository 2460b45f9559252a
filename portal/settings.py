"""Settings; everything that differs between installations comes from the environment."""

from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from django.utils.translation import gettext_lazy as _

from portal import static_files
from portal.embedded import addresses
from portal.own_services import own_services

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("HEATLEDGER_VAR", default=str(BASE_DIR / "var")))

DEBUG = env.bool("DEBUG", default=False)
# The demo plants and their data; `make run` says which.
DEMO = env.bool("HEATLEDGER_DEMO", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or addresses.secret_key(VAR_DIR)
# Seals the credentials of field devices; the first key seals, each of them opens.
HOSTING_FIELD_KEYS = env.list("HEATLEDGER_FIELD_KEY", default=[]) or [addresses.field_key(VAR_DIR)]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "guardian",
    "pgtrigger",
    "pghistory",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_tables2",
    "django_htmx",
    "accounts",
    "hosting",
    "thermal",
    "contracts",
    "compliance",
    "portal",
    "demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.PreferencesMiddleware",
    "accounts.middleware.HistoryMiddleware",
    "accounts.middleware.SecondFactorMiddleware",
    "accounts.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

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
                "portal.frame.frame",
            ],
        },
    },
]

DATABASE_URL = env.str("DATABASE_URL", default="") or addresses.database_url(VAR_DIR)
DATABASES: dict[str, Any] = {"default": env.db_url_config(DATABASE_URL)}
DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PeopleBackend", "guardian.backends.ObjectPermissionBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_DISPLAY = str
# People come in by invitation, which proves the address.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Heatledger: "
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 2
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = None
# Counted in the cache, which all web processes share.
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
    "reset_password": "20/m/ip,5/m/key",
    "reauthenticate": "10/m/user",
}
# How many proxies stand before the web server and set X-Forwarded-For; the limits above count by address.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
# Anyone can send this header, so it counts only where a proxy of ours sets it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None

MFA_ADAPTER = "accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Heatledger"
# Clocks of phones drift; one step is 30 s.
MFA_TOTP_TOLERANCE = 1
GUARDIAN_GET_INIT_ANONYMOUS_USER = None
ANONYMOUS_USER_NAME = None

# What a filter says while nothing is chosen.
FILTERS_EMPTY_CHOICE_LABEL = _("any")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static", *static_files.package_directories(BASE_DIR / "node_modules")]
STATICFILES_FINDERS = [
    "portal.static_files.ListedFilesFinder",
    "portal.static_files.AppFilesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_URL = "/media/"

BROKER_URL = env.str("CELERY_BROKER_URL", default="") or addresses.broker_url(VAR_DIR)
CELERY_BROKER_URL = BROKER_URL
# A page that queues a job waits that long for a broker that is down; a job that a killed worker had in hand is given to
# another after half an hour, so no task may take longer.
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_connect_timeout": 5, "visibility_timeout": 1800} if BROKER_URL.startswith("redis") else {}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
# Polling must not wait behind settlement, nor settlement behind bills and packs.
CELERY_TASK_ROUTES = {
    "thermal.poll_due": {"queue": "poll"},
    "thermal.probe_device": {"queue": "poll"},
    "thermal.settle": {"queue": "settle"},
    "thermal.mark_unsettled": {"queue": "settle"},
    "thermal.sum_months": {"queue": "settle"},
    "thermal.validate": {"queue": "settle"},
    "thermal.validate_months": {"queue": "settle"},
    "contracts.judge_service_levels": {"queue": "settle"},
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    **{
        f"heartbeat-{queue}": {
            "task": "portal.heartbeat",
            "schedule": 30,
            "args": (queue,),
            "options": {"queue": queue, "expires": 60},
        }
        for queue in ("poll", "settle", "default")
    },
    "check-invariants": {"task": "portal.check_invariants", "schedule": crontab(hour="2", minute="30")},
    # A tick that finds all workers busy is worth nothing later: the next one claims the same controllers.
    "poll": {"task": "thermal.poll_due", "schedule": 2, "options": {"expires": 4}},
    "partitions": {"task": "thermal.keep_partitions", "schedule": 6 * 3600},
    "settle": {"task": "thermal.settle", "schedule": 60, "options": {"expires": 60}},
    "validate": {"task": "thermal.validate", "schedule": 120, "options": {"expires": 120}},
    # Before the invariants, after the last day is settled everywhere in Europe.
    "validate-months": {"task": "thermal.validate_months", "schedule": crontab(hour="2", minute="10")},
    "judge-service-levels": {
        "task": "contracts.judge_service_levels",
        "schedule": 300,
        "options": {"expires": 300},
    },
    "find-true-ups": {"task": "contracts.find_true_ups", "schedule": 120, "options": {"expires": 120}},
    "send-notices": {"task": "contracts.send_notices", "schedule": 60, "options": {"expires": 60}},
    "watch-drop-folders": {"task": "thermal.watch_drop_folders", "schedule": 10, "options": {"expires": 10}},
    "sum-months": {"task": "thermal.sum_months", "schedule": 300, "options": {"expires": 300}},
    "sweep-alarms": {"task": "thermal.sweep_alarms", "schedule": 30, "options": {"expires": 30}},
    "mark-unsettled": {
        "task": "thermal.mark_unsettled",
        "schedule": 900,
        "options": {"expires": 900},
    },
    "give-up-silent-jobs": {"task": "accounts.give_up_silent_jobs", "schedule": 300, "options": {"expires": 300}},
    "plan-tasks": {"task": "compliance.plan_tasks", "schedule": 3600, "options": {"expires": 3600}},
    "open-missing-incidents": {
        "task": "compliance.open_missing_incidents",
        "schedule": 300,
        "options": {"expires": 300},
    },
    "queue-silent-packs": {
        "task": "compliance.queue_silent_packs",
        "schedule": 60,
        "options": {"expires": 60},
    },
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("CACHE_URL", default="") or addresses.cache_url(BROKER_URL),
    },
}

# Months for which recorded values are kept; 0 is for ever. Bills are made from readings, so those stay.
THERMAL_KEEP_FRAMES_MONTHS = env.int("HEATLEDGER_KEEP_FRAMES_MONTHS", default=25)
THERMAL_KEEP_READINGS_MONTHS = env.int("HEATLEDGER_KEEP_READINGS_MONTHS", default=0)
# Above this share of a month's heat a correction waits for a second person.
THERMAL_APPROVAL_RATIO = env.float("HEATLEDGER_APPROVAL_RATIO", default=0.05)
# The first month of a heating season, and the month in which it is over.
THERMAL_HEATING_SEASON = (
    env.int("HEATLEDGER_HEATING_SEASON_FROM", default=10),
    env.int("HEATLEDGER_HEATING_SEASON_UNTIL", default=5),
)
# What a register rises by counts up to this share of the meter's greatest power. Rule V04 may ask for less; after a
# change of this number settle anew (`manage.py settle --all`).
THERMAL_POWER_RATIO = env.float("HEATLEDGER_POWER_RATIO", default=1.1)
# Networks in which field devices may be, such as 10.20.0.0/16; without any, everywhere but here.
THERMAL_FIELD_NETWORKS = env.list("HEATLEDGER_FIELD_NETWORKS", default=[])
# Under this name, and the number of the device, the portal keeps its sessions at MQTT brokers; two portals that listen
# to one broker need two names.
THERMAL_MQTT_CLIENT = env.str("HEATLEDGER_MQTT_CLIENT", default="heatledger")
# Whether they may be on this machine as well, as the demo's are.
THERMAL_FIELD_ON_THIS_MACHINE = env.bool("HEATLEDGER_FIELD_ON_THIS_MACHINE", default=DEMO)
# Key and certificate by which OPC UA servers know the portal; made at the first protected connection.
THERMAL_OPCUA_IDENTITY = Path(env.str("HEATLEDGER_OPCUA_IDENTITY", default=str(VAR_DIR / "opcua" / "identity.pem")))
# What one source may push: how often (from one address, whoever it says to be, and as one source), how much at once,
# and how far the time of its signature may be from ours.
THERMAL_PUSH_RATE_PER_ADDRESS = env.str("HEATLEDGER_PUSH_RATE_PER_ADDRESS", default="600/min")
THERMAL_PUSH_RATE_PER_SOURCE = env.str("HEATLEDGER_PUSH_RATE_PER_SOURCE", default="120/min")
THERMAL_PUSH_MOST_ITEMS = env.int("HEATLEDGER_PUSH_MOST_ITEMS", default=1000)
THERMAL_PUSH_MOST_BYTES = env.int("HEATLEDGER_PUSH_MOST_BYTES", default=1_000_000)
THERMAL_PUSH_WINDOW_S = env.int("HEATLEDGER_PUSH_WINDOW_S", default=300)
# The folder with one folder for each controller that gets its values in files, and how large a file may be.
THERMAL_DROP_DIR = Path(env.str("HEATLEDGER_DROP_DIR", default=str(VAR_DIR / "drop")))
THERMAL_DROP_MOST_BYTES = env.int("HEATLEDGER_DROP_MOST_BYTES", default=20_000_000)

# What Prometheus shows to read /metrics; without it there is no such page.
METRICS_TOKEN = env.str("HEATLEDGER_METRICS_TOKEN", default="")

# Up to this share of an invoice one person may waive what it is off by; above, two.
BILLING_WAIVER_RATIO = env.float("HEATLEDGER_WAIVER_RATIO", default=0.01)
# Whether offtakers get an e-mail about each issued document, and for how many days it is news on their pages.
BILLING_NOTICES = env.bool("HEATLEDGER_BILLING_NOTICES", default=not DEMO)
BILLING_NEWS_DAYS = env.int("HEATLEDGER_BILLING_NEWS_DAYS", default=14)
# Under which the portal is reached, for links in e-mails that no page asks for; empty leaves them out.
PUBLIC_URL = env.str("HEATLEDGER_PUBLIC_URL", default="")

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)

# Host and port of what no controller may be: the portal's own database, broker, cache, mail server and pages, and
# whatever else an installation names.
HOSTING_OWN_SERVICES = [
    *own_services(DATABASE_URL, BROKER_URL, CACHES["default"]["LOCATION"], env.str("EMAIL_URL", default="")),
    f"{env.str('HOST', default='127.0.0.1')}:{env.int('PORT', default=8000)}",
    *env.list("HEATLEDGER_OWN_SERVICES", default=[]),
]
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="heatledger@localhost")

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = env.bool("SECURE_COOKIES", default=False)
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "manifest-src": ["'self'"],
    },
}

# A device profile of 400 points is one form, with some twenty fields for each point.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # The first one speaks when nobody is known: it answers 401, sessions would answer 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "EXCEPTION_HANDLER": "accounts.refusals.api_exception_handler",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "PAGE_SIZE": 50,
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Heatledger",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
