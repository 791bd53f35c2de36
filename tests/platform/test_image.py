"""`Dockerfile`, `.dockerignore` and the compose files: what they promise an operator, and that these tests pass nothing over in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.platform import image
from tests.platform.containers import composed, told_env
from tests.platform.image import NotUnderstood
from tests.run import BASE_DIR

OURS = ("web", "worker", "beat", "migrate")
SERVICE = "services:\n  web:\n    image: recon\n"


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nADD b c",
        "FROM a\nHEALTHCHECK NONE",
        "FROM a\nCOPY --chown=b c d",
        "FROM a b",
        "ARG A",
        "RUN early",
        "FROM a\nRUN <<END",
        "FROM $A",
    ],
)
def test_an_instruction_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        image.stages(text)


def test_lines_are_joined_and_comments_left_out() -> None:
    (stage,) = image.stages("# one\nARG TAG=3\nFROM python:${TAG} AS build\nRUN a \\\n# two\n && b\n")
    assert (stage.name, stage.base) == ("build", "python:3")
    assert [(step.word, step.text.split()) for step in stage.steps] == [("RUN", ["a", "&&", "b"])]


@pytest.mark.parametrize(
    "more",
    [
        "    privileged: true\n",
        "    command: celery worker\n",
        "    depends_on: {other: {condition: service_healthy}}\n",
        "    volumes: ['/etc:/etc']\n",
        "    secrets: [unknown]\n",
        "    image: twice\n",
        "    healthcheck: {test: ping, timeout: 1s}\n",
        "    stop_grace_period: 1h\n",
        "    init: ${A:+b}\n",
    ],
)
def test_a_service_that_is_not_understood_is_refused(more: str) -> None:
    assert image.services([SERVICE], {})
    with pytest.raises(NotUnderstood):
        image.services([SERVICE + more], {"A": "b"})


def test_variables_are_filled_in_as_compose_does() -> None:
    stated = {"EMPTY": "", "FULL": "x"}
    told = ["${FULL}", "${EMPTY:-other}", "${EMPTY-other}", "${NONE-other}", "${EMPTY?why}", "$$FULL"]
    assert [image.fill(text, stated) for text in told] == ["x", "other", "", "other", "", "$FULL"]
    for text in ("${EMPTY:?why}", "${NONE?why}"):
        with pytest.raises(LookupError, match="why"):
            image.fill(text, stated)


def test_the_last_rule_that_names_a_path_decides() -> None:
    rules = ["*", "!recon", "**/*.pyc"]
    assert [image.is_sent(name, rules) for name in ("recon/a.py", "recon/b/c.pyc", "var/db", "recon")] == [True, False, False, True]


def test_nothing_but_the_product_is_in_the_build_context() -> None:
    sent = {name.partition("/")[0] for name in image.context(BASE_DIR)}
    assert sent == {"manage.py", "config", "accounts", "ingest", "recon", "templates", "static", "requirements"}
    assert [name for name in image.context(BASE_DIR) if name.startswith("requirements/")] == ["requirements/run.txt"]


def test_the_docs_name_what_must_be_stated_and_without_it_compose_refuses() -> None:
    told = told_env()
    assert set(composed(told)) == {"web", "worker", "beat", "migrate", "postgres", "redis"}
    for name in told:
        with pytest.raises(LookupError):
            composed({key: value for key, value in told.items() if key != name})


@pytest.mark.parametrize("name", OURS)
def test_ours_have_no_rights_and_write_to_two_places(name: str) -> None:
    service = composed(told_env())[name]
    assert service.is_ours
    assert service.is_read_only
    assert service.has_no_rights
    assert service.raw["init"] is True
    assert [mount.split(":")[1] for mount in service.mounts] == ["/data"]
    assert [place.partition(":size=")[0] for place in service.tmpfs] == ["/tmp"]


def test_ours_are_one_image_of_one_user() -> None:
    assert len({composed(told_env())[name].image for name in OURS}) == 1
    last = image.stages((BASE_DIR / "Dockerfile").read_text())[-1]
    assert [step.text for step in last.steps if step.word == "USER"] == ["recon"]


def test_migrations_are_done_once_and_before_the_rest() -> None:
    found = composed(told_env())
    assert found["migrate"].raw["restart"] == "no"
    assert [name for name, one in found.items() if "migrate" in one.command] == ["migrate"]
    for name in ("web", "worker", "beat"):
        assert found[name].needs["migrate"] == "service_completed_successfully"
        assert found[name].needs["postgres"] == found[name].needs["redis"] == "service_healthy"


def test_everything_that_stays_up_is_watched_has_its_log_bounded_and_comes_back() -> None:
    for name, service in composed(told_env()).items():
        assert service.raw["logging"]["options"]["max-size"], name
        if name != "migrate":
            assert service.check, name
            assert service.raw["restart"] == "unless-stopped"


def test_the_web_is_given_longer_than_it_waits_for_requests() -> None:
    last = image.stages((BASE_DIR / "Dockerfile").read_text())[-1]
    command = image.words(next(step.text for step in last.steps if step.word == "CMD"))
    assert composed(told_env())["web"].grace > int(command[command.index("--workers-kill-timeout") + 1])


def test_every_image_names_a_release_of_debian() -> None:
    bases = {stage.base for stage in image.stages((BASE_DIR / "Dockerfile").read_text())}
    others = {one.image for one in composed(told_env()).values() if not one.is_ours}
    assert [name for name in bases | others if not name.endswith("-bookworm")] == []


def test_only_the_port_of_the_web_is_published_and_to_this_machine_alone() -> None:
    published = {name: one.raw["ports"] for name, one in composed(told_env()).items() if "ports" in one.raw}
    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_with_the_files_of_secrets_no_secret_is_in_the_environment() -> None:
    told = told_env() | {"SECRET_KEY": "", "RECON_SECRETS_KEY": "", "POSTGRES_PASSWORD": "", "EMAIL_URL": ""}
    for service in composed(told, "docker-compose.secrets.yml").values():
        secret = ("SECRET_KEY", "RECON_SECRETS_KEY", "DATABASE_URL", "EMAIL_URL", "POSTGRES_PASSWORD")
        stated = {name for name in secret if service.environment.get(name)}
        assert stated == set(), service.name
        from_files = {value for name, value in service.environment.items() if name.endswith("_FILE")}
        assert from_files == {f"/run/secrets/{name}" for name in service.secrets}


def test_every_directory_of_the_product_is_copied() -> None:
    copied = set(re.findall(r"^COPY (?!--)(\S+) ", Path(BASE_DIR / "Dockerfile").read_text(), re.MULTILINE))
    assert {name.partition("/")[0] for name in image.context(BASE_DIR)} == {name.partition("/")[0] for name in copied}
