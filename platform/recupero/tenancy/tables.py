"""Agencies, tenants (creditor companies), users, API keys, plug-in settings."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from recupero.kernel.crypto import EncryptedText
from recupero.kernel.database import AGENCY, TENANT, AgencyOwned, Base, TenantOwned, platform_table


class Agency(Base):
    """A collection agency. `country` ISO 3166-1, `timezone` IANA. `law`: what the law is told of it."""

    __tablename__ = "agencies"
    __table_args__ = (UniqueConstraint("slug"), {"info": {"scope": "agency_self"}})

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    slug: Mapped[str]
    name: Mapped[str]
    country: Mapped[str] = mapped_column(String(2))
    locale: Mapped[str]
    timezone: Mapped[str]
    contact_phone: Mapped[str]
    contact_email: Mapped[str]
    law: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    created_at: Mapped[datetime]


class Tenant(Base):
    """A creditor company that outsources to the agency."""

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("agency_id", "slug"),
        {"info": {"scope": "tenant_self"}},
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    agency_id: Mapped[int] = mapped_column(index=True)
    slug: Mapped[str]
    name: Mapped[str]
    country: Mapped[str] = mapped_column(String(2))
    currency: Mapped[str] = mapped_column(String(3))
    locale: Mapped[str]
    timezone: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime]


class User(AgencyOwned, Base):
    """A person who signs in. Agency staff have `tenant_ids` assigned (None means all of the agency);
    creditor users have exactly one and see nothing of the agency."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("agency_id", "email_index"), {"info": AGENCY})

    email: Mapped[str] = mapped_column(EncryptedText)
    email_index: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(EncryptedText)
    password_hash: Mapped[str]
    role: Mapped[str]
    tenant_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    locale: Mapped[str]
    desk: Mapped[str | None] = mapped_column(String(40))  # a team, whose offers a creditor may limit
    #: What they are trained for (users.SKILLS) and the languages they speak (ISO 639-1; none: their own).
    skills: Mapped[list[str]] = mapped_column(ARRAY(String), default=list, server_default="{}")
    languages: Mapped[list[str]] = mapped_column(ARRAY(String), default=list, server_default="{}")
    phone: Mapped[str | None] = mapped_column(EncryptedText)  # where calls ring for them, E.164
    takes_calls_until: Mapped[datetime | None]  # calls are put through to them until then
    active: Mapped[bool] = mapped_column(default=True)
    session_version: Mapped[int] = mapped_column(default=1)
    totp_secret: Mapped[str | None] = mapped_column(EncryptedText)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class LoginDirectory(Base):
    """Which agency a login belongs to, before any scope is known. Holds a blind index, no address."""

    __tablename__ = "login_directory"
    __table_args__ = (
        {
            "info": platform_table(
                "read before a scope exists; a keyed index of the e-mail, an agency and a user id"
            )
        },
    )

    email_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    agency_id: Mapped[int]
    user_id: Mapped[int]


class ApiKey(AgencyOwned, Base):
    """A machine's key: `rcp_<agency>_<secret>`, stored as a hash, with permissions and tenants."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("agency_id", "secret_hash"), {"info": AGENCY})

    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(String))
    tenant_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    created_by: Mapped[int | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class PluginSetting(TenantOwned, Base):
    """A plug-in switched on and configured for a tenant; secrets apart from settings."""

    __tablename__ = "plugin_settings"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "key"), {"info": TENANT})

    kind: Mapped[str]
    key: Mapped[str]
    enabled: Mapped[bool]
    settings: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    secrets: Mapped[str | None] = mapped_column(EncryptedText)  # a JSON object
    updated_at: Mapped[datetime]


class KeptAnswer(TenantOwned, Base):
    """What a caller's request was answered with, so that the same request under the same `Idempotency-Key`
    gets the same answer and no other effect. `asked` is a hash of the request; `answer` holds ids and
    amounts."""

    __tablename__ = "kept_answers"
    __table_args__ = (UniqueConstraint("tenant_id", "caller", "key"), {"info": TENANT})

    caller: Mapped[str]  # the actor of the API key
    key: Mapped[str] = mapped_column(String(200))
    asked: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    answered_at: Mapped[datetime]
