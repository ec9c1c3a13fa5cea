from django.urls import path

from tickets import views

urlpatterns = [path("health", views.health), path("event/<int:n>", views.event), path("book", views.book),
               path("price/<int:n>", views.price), path("statistics", views.statistics)]
