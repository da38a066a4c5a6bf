"""The site has one page, which counts visits in a session in the database."""

from django.db import connection
from django.http import HttpResponse
from django.urls import path


def page(request):
    visits = request.session["visits"] = request.session.get("visits", 0) + 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user")
        (login,) = cursor.fetchone()
    return HttpResponse(f"visit {visits}, connected as {login}\n")


urlpatterns = [path("", page)]
