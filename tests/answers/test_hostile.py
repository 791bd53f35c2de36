"""Archives that lie, or want to hurt: each is refused with a sentence, in little memory, and nothing of it is read."""

from __future__ import annotations

import resource
import time

import pytest

from accounts.models import Account, User
from ingest.models import RowIssue, SourceFile
from ingest.sources import Unreadable, read
from ingest.sources.answers import is_archive
from tests.answers.hostile import ARCHIVES
from tests.recon.making import arrive


@pytest.mark.parametrize("name", ARCHIVES)
def test_it_is_refused_with_a_sentence(name: str) -> None:
    make, word = ARCHIVES[name]
    data = make()
    assert is_archive(data)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(Unreadable, match=word) as refusal:
        read(data, name="agents.zip", kind="agents")
    assert str(refusal.value).endswith(".")
    assert time.monotonic() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["another SHA-256", "a bomb in its answers", "deep JSON", "half an archive"])
def test_its_page_says_why(account: Account, mara: User, name: str) -> None:
    make, word = ARCHIVES[name]
    file = arrive(account, mara, make(), kind="")
    assert file.state == SourceFile.State.REFUSED
    assert word in RowIssue.objects.get(source_file=file).message
