import django.db.models.deletion
from django.db import migrations, models


def events(apps, _):
    Event = apps.get_model("tickets", "Event")
    Event.objects.bulk_create([Event(name=f"Concert {n}") for n in range(1, 121)])


class Migration(migrations.Migration):
    initial = True
    operations = [  # noqa: RUF012 - as Django writes it
        migrations.CreateModel("Event", [("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False)),
                                         ("name", models.CharField(max_length=80)), ("left", models.IntegerField(default=10000))]),
        migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False)),
                                         ("event", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="tickets.event")),
                                         ("buyer", models.CharField(max_length=80)),
                                         ("at", models.DateTimeField(auto_now_add=True))]),
        migrations.RunPython(events),
    ]
