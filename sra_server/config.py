"""The server's settings: [server] of sra.toml, the environment, and `.env` of the working directory.

From `sra serve`, `sra up` and tests; to every part of the server. What is given on the command line
wins over the environment, that over `.env`, that over the file. A setting's variable is SRA_<NAME>;
those of the original keep their own names (ORIGINAL_NAMES).
"""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import platformdirs
import tomli
from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from sra_sdk.errors import BadInput
from sra_sdk.settings import check_sections, nearest

from .domain.cycle import cycles

#: Settings that an environment variable of the original names as well.
ORIGINAL_NAMES: dict[str, str] = {
    "database_url": "DATABASE_URL",
    "admin_api_key": "ADMIN_API_KEY",
    "dry_run": "AUTOHEAL_DRY_RUN",
    "slack_webhook_url": "SLACK_WEBHOOK_URL",
    "discord_webhook_url": "DISCORD_WEBHOOK_URL",
    "smtp_host": "SMTP_HOST",
    "smtp_port": "SMTP_PORT",
    "smtp_user": "SMTP_USER",
    "smtp_password": "SMTP_PASSWORD",
    "watsonx_api_key": "WATSONX_API_KEY",
    "watsonx_project_id": "WATSONX_PROJECT_ID",
    "watsonx_agent_url": "WATSONX_AGENT_URL",
    "slack_client_id": "SLACK_CLIENT_ID",
    "slack_client_secret": "SLACK_CLIENT_SECRET",
    "slack_signing_secret": "SLACK_SIGNING_SECRET",
    "slack_redirect_uri": "SLACK_REDIRECT_URI",
}


class ServerConfig(BaseModel):
    """Every setting of the server, with its default."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535, description="0 takes a free one.")
    role: Literal["all", "api", "worker"] = Field(
        "all", description="api answers, worker detects and sends messages; several on one PostgreSQL.")
    public_url: str | None = Field(None, description="Where people and hosts reach it, for links.")
    data_dir: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("sra")))
    database_url: str = Field("", description="Empty: the file sra.db in the data folder.")
    admin_api_key: SecretStr | None = None
    dry_run: bool | None = Field(None, description="Until an account throws its own switch; unset is on.")
    quiet_seconds: float = Field(120.0, gt=0, description="So much quiet with life resolves an incident.")
    signatures_dir: Path | None = Field(
        None, description="Own signatures, *.toml; unset: signatures.d in the data folder or /etc/sra.")
    reopen_seconds: float = Field(600.0, ge=0, description="Within it the same trouble reopens its incident.")
    retention_days: int = Field(30, ge=1, le=36500, description="Logs are kept for so many days.")
    retention_metrics_days: int = Field(30, ge=1, le=36500, description="And metrics.")
    retention_incidents_days: int = Field(365, ge=1, le=36500, description="And incidents after their end.")
    retention_bytes: int = Field(
        0, ge=0, description="Above it the oldest go; 0: as the disk allows, 10 GiB on PostgreSQL.")
    slack_webhook_url: SecretStr | None = None
    webhook_url: SecretStr | None = None
    discord_webhook_url: SecretStr | None = None
    smtp_host: str | None = None
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    watsonx_api_key: SecretStr | None = None
    watsonx_project_id: str | None = None
    watsonx_agent_url: str | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_redirect_uri: str | None = None
    #: From [services.X] depends_on: which services a service needs.
    services: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @field_validator("signatures_dir", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("admin_api_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("must have at least 16 characters")
        return value

    @field_validator("services")
    @classmethod
    def _no_circle(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        # in a circle each is the cause of the others, so troubles that have nothing in common would join
        for cycle in cycles(value):
            way = " needs ".join((*cycle, cycle[0]))
            raise ValueError(f"depends_on goes in a circle: {way}; leave out the need that a failure does "
                             "not spread along")
        return value

    @property
    def database(self) -> str:
        """The database's URL: the one given, else a file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir.expanduser().absolute() / 'sra.db'}"

    @property
    def signatures(self) -> Path | None:
        """The folder of the user's own signatures: the one given, else the first usual one that is there."""
        if self.signatures_dir is not None:
            return self.signatures_dir.expanduser().absolute()
        usual = (self.data_dir.expanduser().absolute() / "signatures.d", Path("/etc/sra/signatures.d"))
        return next((each for each in usual if each.is_dir()), None)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None, *,
             environment: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read sra.toml (a given one must exist; else ./sra.toml if there is one) and the environment.

        `overrides` are options of a command line; None means not given.
        """
        if environment is None:
            found = dotenv_values(".env", encoding="utf-8-sig")
            dotenv = {name: value for name, value in found.items() if value is not None}
            environment = {**dotenv, **os.environ}
        values = {**_from_file(path), **_from_environment(environment),
                  **{name: value for name, value in overrides.items() if value is not None}}
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise BadInput(f"setting {field}: {first['msg'].removeprefix('Value error, ')}",
                           code="bad_setting") from None


def variables(field: str) -> tuple[str, ...]:
    """Return the environment variables of a setting, the winning one first."""
    own = f"SRA_{field.upper()}"
    return (own, ORIGINAL_NAMES[field]) if field in ORIGINAL_NAMES else (own,)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in ServerConfig.model_fields:
        for name in variables(field):
            if field != "services" and environment.get(name, "").strip():
                values.setdefault(field, environment[name].strip())
    return values


def _from_file(path: str | os.PathLike[str] | None) -> dict[str, Any]:
    file = Path(path) if path is not None else Path("sra.toml")
    if path is None and not file.is_file():
        return {}
    try:
        content = tomli.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}", code="bad_config_file") from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} is not valid TOML: {error}", code="bad_config_file") from None
    server, services = content.get("server", {}), content.get("services", {})
    for table, read in (("server", server), ("services", services)):
        if not isinstance(read, dict):
            raise BadInput(f"{file}: [{table}] must be a table", code="bad_config_file",
                           hint="sra.toml.example shows how it is written")
    check_sections(content, file, "bad_config_file")
    known = [name for name in ServerConfig.model_fields if name != "services"]
    if unknown := sorted(set(server) - set(known)):
        guess = f"did you mean {near}? " if (near := nearest(unknown[0], known)) else ""
        raise BadInput(f"{file}: [server] has no setting {unknown[0]!r}", code="bad_config_file",
                       hint=f"{guess}sra.toml.example lists all settings")
    return {**server, "services": {name: _needed(file, name, service) for name, service in services.items()}}


def _needed(file: Path, name: str, service: object) -> list[str]:
    """Return which services one needs."""
    hint = f'write: [services.{name}] depends_on = ["inventory"]'
    if not isinstance(service, dict):
        raise BadInput(f"{file}: services.{name} must be a table", code="bad_config_file", hint=hint)
    if unknown := sorted(set(service) - {"depends_on"}):
        raise BadInput(f"{file}: [services.{name}] has no setting {unknown[0]!r}", code="bad_config_file",
                       hint=hint)
    needed = service.get("depends_on", [])
    if not isinstance(needed, list) or not all(isinstance(each, str) for each in needed):
        raise BadInput(f"{file}: services.{name}.depends_on must be a list of names of services",
                       code="bad_config_file", hint=hint)
    return needed
