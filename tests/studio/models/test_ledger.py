from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.errors import StorageFailure
from pipelines.request import Mode
from studio.models.ledger import Decisions, Ledger, Unfinished
from studio.models.records import Consent


def decide(decisions: Decisions) -> None:
    decisions.defaults[Mode.SMART_EDIT] = "tiny"
    decisions.unfinished["big"] = Unfinished(done_bytes=3, total_bytes=9)
    decisions.consents.append(Consent(licence="NC", version="1", agreed_at=datetime(2026, 5, 3, tzinfo=UTC)))


def test_what_was_decided_outlives_the_studio(tmp_path: Path) -> None:
    path = tmp_path / "data" / "models.json"
    Ledger(path).change(decide)
    again = Ledger(path).read()
    assert again.defaults == {Mode.SMART_EDIT: "tiny"}
    assert again.unfinished["big"].done_bytes == 3
    assert again.consents[0].agreed_at == datetime(2026, 5, 3, tzinfo=UTC)
    assert [each.name for each in path.parent.iterdir()] == ["models.json"]


def test_a_file_that_cannot_be_understood_is_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_text('{"consents": 7')
    ledger = Ledger(path)
    assert ledger.read() == Decisions()
    ledger.change(decide)
    assert (tmp_path / "models.json.damaged").read_text() == '{"consents": 7'
    assert Ledger(path).read().defaults


def test_what_cannot_be_written_has_not_happened(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    ledger = Ledger(tmp_path / "data" / "models.json")
    with pytest.raises(StorageFailure):
        ledger.change(decide)
    assert ledger.read() == Decisions()


def test_without_a_path_everything_is_forgotten() -> None:
    ledger = Ledger(None)
    ledger.change(decide)
    assert ledger.read().defaults
    assert not Ledger(None).read().defaults
