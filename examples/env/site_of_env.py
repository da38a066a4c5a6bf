"""A Django site of one page, whose settings are environment variables."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=os.environ["SITE_HOSTS"].split(),
    SECRET_KEY=os.environ["SITE_SECRET_KEY"],
    ROOT_URLCONF=__name__,
)


def page(request):
    return HttpResponse(os.environ["SITE_TITLE"])


urlpatterns = [path("", page)]
application = get_wsgi_application()
