"""Settings: who wins over whom, the original's names, and errors that name the setting."""
from __future__ import annotations

from pathlib import Path

import pytest

from sra_sdk.errors import BadInput
from sra_server.config import ORIGINAL_NAMES, ServerConfig, variables

TOML = """
[server]
port = 9000
host = "0.0.0.0"
quiet_seconds = 5
[services.shop]
depends_on = ["db", "cache"]
[services.db]
[agent]
host = "elsewhere"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults(folder: Path) -> None:
    config = ServerConfig.load(environment={})
    assert (config.host, config.port, config.dry_run) == ("127.0.0.1", 8000, None)
    assert config.database == f"sqlite:///{config.data_dir}/sra.db"
    assert config.data_dir.name == "sra"


def test_the_command_line_wins_over_the_environment_over_dotenv_over_the_file(
        folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "sra.toml").write_text(TOML)
    assert (ServerConfig.load().port, ServerConfig.load().host) == (9000, "0.0.0.0")
    (folder / ".env").write_text("SRA_PORT=9001\nAUTOHEAL_DRY_RUN=false   # Set to false to run commands\n")
    assert (ServerConfig.load().port, ServerConfig.load().dry_run) == (9001, False)
    monkeypatch.setenv("SRA_PORT", "9002")
    assert ServerConfig.load().port == 9002
    assert ServerConfig.load(port=9003, host=None).port == 9003
    assert ServerConfig.load().services == {"shop": ("db", "cache"), "db": ()}


def test_the_originals_variables_work(folder: Path) -> None:
    environment = {
        "DATABASE_URL": "postgresql+asyncpg://postgres:password@localhost:5432/sra",
        "ADMIN_API_KEY": "sra_admin_your_secure_key_here", "WATSONX_API_KEY": "k", "WATSONX_PROJECT_ID": "p",
        "WATSONX_AGENT_URL": "https://a", "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/xxx",
        "DISCORD_WEBHOOK_URL": "https://d", "SMTP_HOST": "smtp.gmail.com", "SMTP_PORT": "587",
        "SMTP_USER": "your-email", "SMTP_PASSWORD": "pw", "SLACK_CLIENT_ID": "c", "SLACK_CLIENT_SECRET": "s",
        "SLACK_SIGNING_SECRET": "s", "SLACK_REDIRECT_URI": "https://r", "AUTOHEAL_DRY_RUN": "true"}
    assert set(environment) == set(ORIGINAL_NAMES.values())
    config = ServerConfig.load(environment=environment)
    assert config.database == environment["DATABASE_URL"]
    assert config.dry_run is True
    assert all(getattr(config, name) is not None for name in ORIGINAL_NAMES)
    assert "sra_admin" not in repr(config) and "hooks.slack" not in repr(config)


def test_our_own_variable_wins_over_the_originals(folder: Path) -> None:
    config = ServerConfig.load(environment={
        "SRA_DRY_RUN": "1", "AUTOHEAL_DRY_RUN": "0", "PORT": "1", "HOST": "x"})
    assert (config.dry_run, config.port, config.host) == (True, 8000, "127.0.0.1")
    assert variables("dry_run") == ("SRA_DRY_RUN", "AUTOHEAL_DRY_RUN")
    assert variables("data_dir") == ("SRA_DATA_DIR",)


def test_an_empty_variable_is_no_setting(folder: Path) -> None:
    empty = {"SRA_PORT": "", "ADMIN_API_KEY": " "}
    assert ServerConfig.load(environment=empty) == ServerConfig.load(environment={})


@pytest.mark.parametrize(("environment", "words"), [
    ({"SRA_PORT": "many"}, "setting port"), ({"SRA_PORT": "70000"}, "setting port"),
    ({"ADMIN_API_KEY": "short"}, "setting admin_api_key: must have at least 16 characters"),
    ({"AUTOHEAL_DRY_RUN": "maybe"}, "setting dry_run"),
])
def test_a_bad_value_is_named(folder: Path, environment: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        ServerConfig.load(environment=environment)


@pytest.mark.parametrize(("content", "words"), [
    ("[server]\nprot = 1\n", "has no setting 'prot'"), ("[server\n", "not valid TOML"),
])
def test_a_bad_file_is_named(folder: Path, content: str, words: str) -> None:
    (folder / "sra.toml").write_text(content)
    with pytest.raises(BadInput, match=words):
        ServerConfig.load(environment={})


def test_dependencies_that_go_in_a_circle_are_refused_and_named(folder: Path) -> None:
    chain = '[services.web]\ndepends_on = ["shop"]\n[services.shop]\ndepends_on = ["pay"]\n'
    (folder / "sra.toml").write_text(chain)
    assert ServerConfig.load(environment={}).services == {"web": ("shop",), "shop": ("pay",)}
    (folder / "sra.toml").write_text(chain + '[services.pay]\ndepends_on = ["shop"]\n')
    with pytest.raises(BadInput, match="pay needs shop needs pay") as refused:
        ServerConfig.load(environment={})
    assert "setting services: depends_on goes in a circle" in refused.value.message
    assert "web" not in refused.value.message
    (folder / "sra.toml").write_text('[services.shop]\ndepends_on = ["shop"]\n')
    with pytest.raises(BadInput, match="shop needs shop"):
        ServerConfig.load(environment={})


@pytest.mark.parametrize(("text", "said"), [
    ("services = 5", "[services] must be a table"),
    ("server = 5", "[server] must be a table"),
    ("[services]\na = 5", "services.a must be a table"),
    ("[services.a]\ndepend_on = ['b']", "[services.a] has no setting 'depend_on'"),
    ("[services.a]\ndepends_on = 'b'", "services.a.depends_on must be a list of names"),
    ("[services.a]\ndepends_on = ['b', 3]", "services.a.depends_on must be a list of names"),
])
def test_what_is_wrong_with_services_is_said(folder: Path, text: str, said: str) -> None:
    (folder / "sra.toml").write_text(text)
    with pytest.raises(BadInput) as refused:
        ServerConfig.load(environment={})
    assert said in refused.value.message and refused.value.code == "bad_config_file" and refused.value.hint


@pytest.mark.parametrize(("text", "said", "hint"), [
    ("[service.a]\ndepends_on = ['b']", "there is no section [service]", "did you mean [services]? the"),
    ("[Server]\nport = 1", "there is no section [Server]", "did you mean [server]?"),
    ("[agents]\nhost = 'a'", "there is no section [agents]", "did you mean [agent]?"),
    ("[[probes]]\nname = 'a'", "there is no section [probes]", "the sections are [server], [services.NAME]"),
    ("[notifications]\nslack = 'a'", "there is no section [notifications]", "the sections are [server]"),
    ("port = 9000\n[server]\n", "'port' stands outside of every section", "write it below the line"),
    ("[server]\nquiet_second = 5", "[server] has no setting 'quiet_second'", "did you mean quiet_seconds?"),
    ("[server]\nwombat = 5", "[server] has no setting 'wombat'", "sra.toml.example lists all settings"),
])
def test_a_section_or_setting_that_nobody_knows_is_refused_with_what_was_meant(
        folder: Path, text: str, said: str, hint: str) -> None:
    (folder / "sra.toml").write_text(text)
    with pytest.raises(BadInput) as refused:
        ServerConfig.load(environment={})
    assert said in refused.value.message and "sra.toml" in refused.value.message
    assert (refused.value.hint or "").startswith(hint)


def test_what_is_the_agents_is_the_agents_to_check(folder: Path) -> None:
    (folder / "sra.toml").write_text(TOML + "colour = 'blue'\n[[agent.probes]]\nname = 'x'\n")
    assert ServerConfig.load(environment={}).port == 9000


def test_a_mark_of_the_byte_order_is_no_part_of_the_file(folder: Path) -> None:
    """Editors of Windows write it before the first line."""
    (folder / "sra.toml").write_text(TOML.strip(), encoding="utf-8-sig")
    (folder / ".env").write_text("SRA_REOPEN_SECONDS=77\n", encoding="utf-8-sig")
    assert (ServerConfig.load().port, ServerConfig.load().reopen_seconds) == (9000, 77)
    (folder / "sra.toml").write_text("[server]\n\ufeffport = 1\n", encoding="utf-8")
    with pytest.raises(BadInput, match="not valid TOML"):
        ServerConfig.load(environment={})


def test_a_file_that_is_given_must_exist(folder: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        ServerConfig.load(folder / "none.toml", environment={})
