import json
import logging
import os
import time

import httpx
import jwt
from django.core.cache import cache
from django.db import connection
from django.http import Http404, JsonResponse

from tickets.models import Event, Order
from tickets.tasks import send_tickets

log = logging.getLogger("tickets")
KEY = os.environ.get("JWT_KEY", "a-key-between-site-and-pricing-32b")


def health(_):
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return JsonResponse({"status": "ok"})


def event(_, n):
    seen = cache.get(f"event:{n}")
    if seen is None:
        try:
            one = Event.objects.get(pk=n)
        except Event.DoesNotExist:
            raise Http404("no such event") from None
        seen = {"name": one.name, "left": one.left}
        cache.set(f"event:{n}", seen, 15)
    return JsonResponse(seen)


def book(request):
    wanted = json.loads(request.body)
    if "event" not in wanted:
        log.warning("booking without an event from %s", request.META.get("HTTP_X_FORWARDED_FOR"))
        return JsonResponse({"error": "event is missing"}, status=400)
    order = Order.objects.create(event_id=wanted["event"], buyer=wanted["buyer"])
    send_tickets.delay(order.pk, wanted["buyer"])
    log.info("order %d booked for event %d", order.pk, wanted["event"])
    return JsonResponse({"order": order.pk}, status=201)


def price(_, n):
    now = int(time.time())
    token = jwt.encode({"sub": "site", "iat": now, "exp": now + 30}, KEY, "HS256")
    answer = httpx.get(f"http://pricing.tickets.internal:8100/prices/{n}", headers={"Authorization": f"Bearer {token}"}, timeout=4)
    if answer.status_code != 200:
        log.error("pricing answered %d for event %d: %s", answer.status_code, n, answer.text[:120])
        return JsonResponse({"error": "no price"}, status=502)
    return JsonResponse(answer.json())


def statistics(request):
    time.sleep(float(request.GET.get("wait", "0.4")))
    return JsonResponse({"orders": Order.objects.count()})
