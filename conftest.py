"""What every test has in common: a law that hypothesis tries is right or wrong on a slow machine, too."""

from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
