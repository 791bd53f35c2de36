"""Uploads come in temporary files and have an end; documentation examples are true."""

import doctest
import importlib
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import RequestFactory, override_settings

from tests.run import BASE_DIR

PRODUCT = ("accounts", "config", "ingest", "recon")
WITH_EXAMPLES = [path for app in PRODUCT for path in sorted((BASE_DIR / app).rglob("*.py")) if ">>> " in path.read_text()]


def test_an_upload_is_a_temporary_file() -> None:
    request = RequestFactory().post("/", {"file": SimpleUploadedFile("report.csv", b"Organization,EDR\n")})
    assert isinstance(request.FILES["file"], TemporaryUploadedFile)


@override_settings(RECON_MAX_UPLOAD_MB=1, RECON_MAX_STREAMED_MB=1)
def test_an_endless_upload_is_cut_off() -> None:
    request = RequestFactory().post("/", {"file": SimpleUploadedFile("report.csv", b"x" * (2 * 1024 * 1024 + 1))})
    with pytest.raises(RequestDataTooBig):
        _ = request.FILES


def test_no_address_serves_the_files() -> None:
    assert settings.MEDIA_URL == "/"  # Django's word for none
    assert Path(settings.MEDIA_ROOT).name == "files"


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(BASE_DIR)))
def test_the_examples_in_docstrings_are_true(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(BASE_DIR).with_suffix("").parts).removesuffix(".__init__"))
    assert doctest.testmod(module).failed == 0
