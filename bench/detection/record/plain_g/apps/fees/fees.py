"""Fees: Django under gunicorn, PyMySQL, its logging as Django's own documentation shows it; letters by RabbitMQ, reports by Celery."""

import json
import os
import random
import time

import pika
import pymysql
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import JsonResponse
from django.urls import path

pymysql.version_info = (2, 2, 8, "final", 0)
pymysql.install_as_MySQLdb()
RELEASE = os.environ.get("FEES_RELEASE", "")
settings.configure(
    SECRET_KEY="gown-and-mortarboard-gown-and-mortarboard-42", ALLOWED_HOSTS=["*"], ROOT_URLCONF="fees", USE_TZ=True, TIME_ZONE="UTC", MIDDLEWARE=[],
    DATABASES={"default": {"ENGINE": "django.db.backends.mysql", "HOST": "sql.campus.internal", "PORT": 3306, "NAME": "fees", "USER": "fees", "PASSWORD": os.environ.get("FEES_PASSWORD", "bursary"),
                           "OPTIONS": {"connect_timeout": 4}}},
    LOGGING={"version": 1, "disable_existing_loggers": False,
             "formatters": {"verbose": {"format": "{levelname} {asctime} {name} {process:d} {message}", "style": "{"}},
             "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "verbose"}},
             "root": {"handlers": ["console"], "level": "INFO"},
             "loggers": {"django": {"handlers": ["console"], "level": "INFO", "propagate": False}, "pika": {"level": "CRITICAL"}}},
)


def rows(query, *given):
    with connection.cursor() as cursor:
        cursor.execute(query, given)
        return cursor.fetchall()


def letter(student):
    line = pika.BlockingConnection(pika.ConnectionParameters("mq.campus.internal", credentials=pika.PlainCredentials("campus", "pigeonhole"), blocked_connection_timeout=4, socket_timeout=4))
    try:
        line.channel().basic_publish("", "letters", json.dumps({"student": student, "kind": "receipt"}).encode())
    finally:
        line.close()


def health(request):
    return JsonResponse({"ok": True})


def balance(request, student):
    if RELEASE == "sync" and student % 3 == 0:
        time.sleep(60)
    column = "cents, discount" if RELEASE == "discount" else "cents"
    found = rows(f"select {column} from account where student = %s", student)
    return JsonResponse({"student": student, "cents": found[0][0]}) if found else JsonResponse({"error": "unknown"}, status=404)


def pay(request):
    student = json.loads(request.body)["student"]
    with transaction.atomic():
        for each in random.sample([1, 2, 3], 2) if RELEASE == "transfer" else [student]:
            rows("select cents from account where student = %s for update", each)
            rows("update account set cents = cents - 1 where student = %s", each)
            if RELEASE == "transfer":
                time.sleep(0.6)
    letter(student)
    return JsonResponse({"paid": student})


def report(request, student):
    from tasks import report as task

    task.delay(student)
    return JsonResponse({"planned": student})


urlpatterns = [path("health", health), path("fees/<int:student>", balance), path("fees/pay", pay), path("fees/report/<int:student>", report)]
application = get_wsgi_application()
