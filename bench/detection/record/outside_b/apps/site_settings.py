"""The ticket site."""

import os

SECRET_KEY = "not-a-secret-of-anybody"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tickets.urls"
INSTALLED_APPS = ["tickets"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "office", "USER": "office",
                         "PASSWORD": os.environ.get("OFFICE_PASSWORD", "secret"), "HOST": "db.tickets.internal",
                         "CONN_MAX_AGE": 0, "OPTIONS": {"connect_timeout": 3}}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://cache.tickets.internal:6379/1"}}
LOGGING = {
    "version": 1, "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["out"], "level": "INFO"},
    "loggers": {"django": {"handlers": ["out"], "level": "INFO", "propagate": False},
                "httpx": {"level": "WARNING"}},
}
