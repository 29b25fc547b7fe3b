"""Models that only PostgreSQL can hold."""

from django.contrib.postgres import fields as pg
from django.db import models


class Wide(models.Model):
    name = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=20, decimal_places=8)
    created = models.DateTimeField()
    day = models.DateField()
    clock = models.TimeField(null=True)
    uid = models.UUIDField()
    active = models.BooleanField()
    meta = models.JSONField()
    tags = pg.ArrayField(models.CharField(max_length=50))
    nums = pg.ArrayField(models.IntegerField(null=True), null=True)
    grid = pg.ArrayField(pg.ArrayField(models.IntegerField()), null=True)
    days = pg.ArrayField(models.DateField(), null=True)
    attrs = pg.HStoreField()
    took = models.DurationField()
    ip = models.GenericIPAddressField(null=True)
    score = models.FloatField(null=True)
    count = models.BigIntegerField(default=0)
    span = pg.IntegerRangeField(null=True)
    blob = models.BinaryField(null=True)
