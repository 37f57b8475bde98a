"""What must hold in a data folder after any death, looked at without the studio's own code.

Every check that fails is an AssertionError that names the thing. Reads a copy of the database, so that
looking changes nothing for the next start.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from PIL import Image


@dataclass(frozen=True)
class Row:
    """A picture as its row tells it."""

    id: str
    sha256: str
    pixel_sha256: str
    job_id: str
    batch_index: int


@dataclass(frozen=True)
class JobSeen:
    """A job as its row tells it."""

    status: str
    attempts: int
    request: str
    num_images: int


@dataclass(frozen=True)
class Evidence:
    """The data folder at one moment."""

    files: dict[str, Path]
    rows: list[Row]
    jobs: dict[str, JobSeen]
    leftovers: int

    @property
    def orphans(self) -> set[str]:
        """Files whose row was not written any more."""
        return set(self.files) - {row.sha256 for row in self.rows}

    def check_whole(self) -> None:
        """No half file, no row without its file, no job with two results."""
        for sha256, path in self.files.items():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256, f"half file {path}"
            Image.open(path).load()
        for row in self.rows:
            assert row.sha256 in self.files, f"row {row.id} without a file"
        twice = [k for k, n in Counter((row.job_id, row.batch_index) for row in self.rows).items() if n > 1]
        assert not twice, f"two results of {twice}"
        for job_id, job in self.jobs.items():
            if job.status == "done":
                indices = sorted(row.batch_index for row in self.rows if row.job_id == job_id)
                assert indices == list(range(job.num_images)), f"done job {job_id} has pictures {indices}"

    def check_promises(self, jobs: set[str], images: set[str]) -> None:
        """Nothing that the studio said was queued or saved is lost."""
        assert not jobs - set(self.jobs), f"lost jobs {jobs - set(self.jobs)}"
        known = {row.id for row in self.rows}
        assert not images - known, f"lost pictures {images - known}"

    def check_settled(self) -> None:
        """After the last start: every job has ended, every file has its row, nothing is left over."""
        for job_id, job in self.jobs.items():
            allowed = job.status == "done" or (job.status == "failed" and job.attempts == 2)
            assert allowed, f"job {job_id} is {job.status} after {job.attempts} attempts"
        assert not self.orphans, f"files without a row {self.orphans}"
        assert self.leftovers == 0, "interrupted writes were not cleared"

    def check_same_pixels(self) -> int:
        """Equal requests gave equal pixels, however often they were interrupted; returns how many pairs."""
        seen: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        for row in self.rows:
            seen[self.jobs[row.job_id].request, row.batch_index].add(row.pixel_sha256)
        for (request, index), hashes in seen.items():
            assert len(hashes) == 1, f"different pixels for picture {index} of {request}"
        return len(self.rows) - len(seen)


def look(data_dir: Path) -> Evidence:
    """Read the data folder of a studio that does not run."""
    images = data_dir / "images"
    files = {path.stem: path for path in images.glob("??/*")}
    leftovers = len(list((images / ".incoming").glob("*")))
    with tempfile.TemporaryDirectory() as copy:
        for path in data_dir.glob("likeness.db*"):
            if not path.name.endswith("-shm"):
                shutil.copy(path, copy)
        rows, jobs = _read(Path(copy) / "likeness.db")
    return Evidence(files, rows, jobs, leftovers)


def _read(database: Path) -> tuple[list[Row], dict[str, JobSeen]]:
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").fetchall():
            return [], {}
        rows = [
            Row(*values)
            for values in connection.execute(
                "SELECT id, sha256, pixel_sha256, job_id, batch_index FROM images WHERE job_id IS NOT NULL"
            )
        ]
        jobs = {
            job_id: JobSeen(status, attempts, request, json.loads(request)["num_images"])
            for job_id, status, attempts, request in connection.execute(
                "SELECT id, status, attempts, request FROM jobs"
            )
        }
    connection.close()
    return rows, jobs
