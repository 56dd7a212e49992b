"""The WSGI entry: `gunicorn wsgi:app`."""

from recupero.app import create_from_environment

app = create_from_environment()
