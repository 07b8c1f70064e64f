"""A journal with Django REST Framework, for gunicorn: DATABASE_URL=postgres://… gunicorn django_rest:application"""

import hashlib
import hmac
import json
import os
import uuid
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

place = urlsplit(os.environ["DATABASE_URL"])
settings.configure(
    DEBUG=False,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a peer keeps no secrets",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    MIDDLEWARE=[],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": place.path.lstrip("/"),
            "USER": place.username,
            "PASSWORD": place.password,
            "HOST": place.hostname,
            "PORT": place.port,
            "CONN_MAX_AGE": 600,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
)

import django  # noqa: E402

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import models, transaction  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import exceptions, serializers  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

TOKEN_KEY = b"\x07" * 32
WRAPPING_KEY = AESGCM(b"\x09" * 32)


class Entry(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account_id = models.UUIDField()
    data_key = models.BinaryField()
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "peer"
        db_table = "entries"
        managed = False


class Event(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account_id = models.UUIDField()
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "peer"
        db_table = "outbox"
        managed = False


class NewEntry(serializers.Serializer):
    text = serializers.CharField(max_length=65536)


def account_of(request):
    token = request.headers.get("authorization", "")[len("Bearer "):]
    account, _, signature = token.partition(".")
    expected = hmac.new(TOKEN_KEY, account.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise exceptions.AuthenticationFailed()
    return uuid.UUID(account)


def seal(key, text, bound_to):
    nonce = os.urandom(12)
    return nonce + key.encrypt(nonce, text, bound_to)


class Entries(APIView):
    def post(self, request):
        account = account_of(request)
        new = NewEntry(data=request.data)
        new.is_valid(raise_exception=True)
        entry_id, key = uuid.uuid4(), os.urandom(32)
        with transaction.atomic():
            Entry.objects.create(
                id=entry_id,
                account_id=account,
                data_key=seal(WRAPPING_KEY, key, account.bytes),
                body=seal(AESGCM(key), new.validated_data["text"].encode(), entry_id.bytes),
            )
            event = json.dumps({"type": "entry_written", "id": str(entry_id)})
            Event.objects.create(account_id=account, body=event.encode())
        return Response({"id": str(entry_id)}, status=201)


urlpatterns = [path("entries", Entries.as_view())]
application = get_wsgi_application()
