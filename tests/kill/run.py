"""Kills the studio at random moments, again and again, and looks whether anything was lost.

`python -m tests.kill.run --rounds 200` prints what was seen. One data folder lives through all rounds of
a kind: each start recovers from the kill before it. A failed check ends the run with its words.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

import psutil

from studio.settings import Settings
from tests.kill import victim
from tests.kill.evidence import look
from tests.kill.processes import Spoken

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
BACKLOG = {"quick": 8, "real": 3, "bundled": 3}
WORDS = {"quick": (0, 24), "real": (4, 9), "bundled": (4, 8)}
"""After how many words of the victim it is killed, at least and at most: `open`, its jobs, its pictures."""


@dataclass
class Report:
    """What the rounds met, to show that the kills hit the moments that matter."""

    kind: str
    kills: int = 0
    jobs: int = 0
    pictures: int = 0
    interrupted: int = 0
    between_file_and_row: int = 0
    half_written: int = 0
    failed_twice: int = 0
    repeated: int = 0
    promised_jobs: set[str] = field(default_factory=set)
    promised_images: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.kind}: {self.kills} kills, {self.jobs} jobs, {self.pictures} pictures. "
            f"A running job was hit {self.interrupted} times, a file before its row "
            f"{self.between_file_and_row}, a file being written {self.half_written}. "
            f"{self.failed_twice} jobs were hit twice and failed with words; {self.repeated} pictures were "
            "made again with the same pixels. Nothing was lost.\n"
        )


class Victim:
    """A running `tests.kill.victim`, heard line by line."""

    def __init__(self, data_dir: Path, models: Path, kind: str, report: Report, *options: str) -> None:
        self._report = report
        self._words: SimpleQueue[str | None] = SimpleQueue()
        self._ended = False
        self.process = Spoken(victim.main, str(data_dir), str(models), kind, *options)
        threading.Thread(target=self._hear, daemon=True).start()

    def listen(self, words: int, seconds: float = 300.0) -> bool:
        """Take in so many words; False where the victim ended before."""
        for _ in range(words):
            try:
                self._ended = self._words.get(timeout=seconds) is None
            except Empty:
                raise AssertionError("the studio stopped talking") from None
            if self._ended:
                return False
        return True

    def listen_for_a_picture(self) -> None:
        """Take in words until one more picture is saved: the next one is being made now."""
        before = len(self._report.promised_images)
        while len(self._report.promised_images) == before:
            assert self.listen(1), "the studio ended too early"

    def kill(self) -> None:
        """SIGKILL; its worker must end by itself."""
        children = list(_children(self.process.pid))
        self.process.kill()
        _await_end(children)

    def kill_worker(self) -> None:
        """SIGKILL to the worker alone."""
        for pid in _children(self.process.pid, "spawn_main"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)

    def end(self) -> None:
        """Wait for the clean end."""
        while not self._ended and self.listen(1):
            pass
        code = self.process.end(60)
        assert code == 0, f"the studio ended with {code}"

    def _hear(self) -> None:
        with self.process.lines as lines:
            for line in lines:
                word, _, name = line.strip().partition(" ")
                if not line.endswith("\n"):
                    continue
                if word == "accepted":
                    self._report.promised_jobs.add(name)
                elif word == "saved":
                    self._report.promised_images.add(name)
                self._words.put(line)
        self._words.put(None)


def kill_server(data_dir: Path, models: Path, kind: str, report: Report) -> None:
    """One round: start, let it work, kill, look."""
    studio = Victim(data_dir, models, kind, report, "--backlog", str(BACKLOG[kind]))
    if not studio.listen(random.randint(*WORDS[kind])):
        studio.end()
        return
    time.sleep(random.uniform(0, 0.05))
    studio.kill()
    seen = look(data_dir)
    seen.check_whole()
    seen.check_promises(report.promised_jobs, report.promised_images)
    report.kills += 1
    report.interrupted += any(job.status == "running" for job in seen.jobs.values())
    report.between_file_and_row += bool(seen.orphans)
    report.half_written += bool(seen.leftovers)
    log.info("%s: %d kills", kind, report.kills)


def finish(data_dir: Path, models: Path, kind: str, report: Report, workers: int, repeats: int) -> None:
    """The last start: its worker is killed so many times amid its work; all is finished nevertheless.

    Then everything must be there, and `repeats` of the requests, those that were interrupted first, must
    have given the same pixels again.
    """
    backlog = BACKLOG[kind] * workers
    studio = Victim(data_dir, models, kind, report, "--backlog", str(backlog), "--repeat", str(repeats))
    for _ in range(workers):
        studio.listen_for_a_picture()
        time.sleep(random.uniform(0, 0.2))
        studio.kill_worker()
        report.kills += 1
    studio.end()
    settled = look(data_dir)
    settled.check_whole()
    settled.check_promises(report.promised_jobs, report.promised_images)
    settled.check_settled()
    report.repeated = settled.check_same_pixels()
    report.jobs, report.pictures = len(settled.jobs), len(settled.rows)
    report.failed_twice = sum(job.status == "failed" for job in settled.jobs.values())


def run(folder: Path, models: Path, kind: str, servers: int, workers: int = 0) -> Report:
    """Kill so many servers, then workers, over one data folder. Raises AssertionError at the first loss."""
    report = Report(kind)
    data_dir = folder / kind
    while report.kills < servers:
        kill_server(data_dir, models, kind, report)
    finish(data_dir, models, kind, report, workers, repeats=servers + workers * BACKLOG[kind])
    return report


def _children(pid: int, words: str = "") -> Iterator[int]:
    try:
        children = psutil.Process(pid).children()
    except psutil.NoSuchProcess:  # it came to its own end just before the kill
        return
    for child in children:
        with contextlib.suppress(psutil.Error):
            if words in " ".join(child.cmdline()):
                yield child.pid


def _await_end(pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while alive := list(filter(psutil.pid_exists, pids)):
        assert time.monotonic() < deadline, f"processes {alive} outlive the studio"
        time.sleep(0.02)


def _models(folder: Path) -> Path:
    from tests import tiny_models

    portrait = tiny_models.make_tiny_portrait_model(folder / "portrait")
    plain = tiny_models.make_tiny_plain_model(folder / "plain")
    return tiny_models.write_models_yaml(folder / "models.yaml", portrait, plain)


def main() -> None:
    """Command line: half of the rounds amid making pictures, one in ten of those with the real worker.

    The others are amid keeping a collection (seven of twenty), keeping a cast and steering the queue (one of
    ten each).
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--seed", type=int, default=None, help="of the moments; they also depend on the machine"
    )
    parser.add_argument(
        "--bundled", action="store_true", help="all of them with the real worker and the bundled model"
    )
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if arguments.bundled:
        _play_bundled(arguments.rounds)
        return
    from tests.kill import characters, collection, steering

    kept, tenth, real = arguments.rounds * 7 // 20, arguments.rounds // 10, max(2, arguments.rounds // 20)
    with tempfile.TemporaryDirectory(prefix="likeness-kill-") as name:
        folder = Path(name)
        models = _models(folder)
        _tell(run(folder, models, "quick", arguments.rounds - kept - 2 * tenth - real))
        works: tuple[tuple[str, Callable[[Path, int], object], int], ...] = (
            ("kept", collection.run, kept),
            ("cast", characters.run, tenth),
            ("steered", steering.run, tenth),
        )
        for kind, work, rounds in works:
            (folder / kind).mkdir()
            _tell(work(folder / kind, rounds))
        _tell(run(folder, models, "real", real - real // 2, real // 2))


def _play_bundled(rounds: int) -> None:
    """Four of five kills meet the server, the others its worker."""
    with tempfile.TemporaryDirectory(prefix="likeness-kill-") as name:
        _tell(run(Path(name), Settings().models, "bundled", rounds - rounds // 5, rounds // 5))


def _tell(report: object) -> None:
    sys.stdout.write(str(report))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
