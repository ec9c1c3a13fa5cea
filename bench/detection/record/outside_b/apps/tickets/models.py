from django.db import models


class Event(models.Model):
    name = models.CharField(max_length=80)
    left = models.IntegerField(default=10000)


class Order(models.Model):
    event = models.ForeignKey(Event, on_delete=models.PROTECT)
    buyer = models.CharField(max_length=80)
    at = models.DateTimeField(auto_now_add=True)
