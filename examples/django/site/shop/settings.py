"""Settings of the site. What differs from place to place is in settings.json,
which restencil writes."""

import json
from pathlib import Path

written = json.loads((Path(__file__).parents[1] / "settings.json").read_text())

SECRET_KEY = written["SECRET_KEY"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "site",
        "CONN_MAX_AGE": None,  # a connection of a worker lives as long as the worker
        **written["DATABASE"],
    }
}
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
ROOT_URLCONF = "shop.urls"
TIME_ZONE = "UTC"
USE_TZ = True
