"""Image files: named by the SHA-256 of their bytes, written whole or not at all, never changed.

    images/ab/abcdef….png       the pictures
    */.incoming/                files being written; whatever an earlier run left there is worthless
    sidecars/ab/abcdef….json    what lay beside an imported picture
    cards/ab/abcdef…            what character cards brought beside pictures
    cards/.unsettled            names of such that nobody may need, while one comes or goes
    thumbnails/ab/abcdef….webp  } made from the pictures on demand, small ones as abcdef….192.webp;
    working/ab/abcdef….png      } masks with their transparency as abcdef….mask.png,
                                } what is enlarged as it is as abcdef….own.png; may be deleted at any time

Knows files only: no rows, no records. Failures of the disk become StorageFailure here.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from pipelines.errors import PictureRefused, StorageFailure
from studio import durable, images
from studio.collection import model_pictures
from studio.collection.wholeness import Wholeness, is_whole_png, is_whole_webp
from studio.settings import Settings

_BLOCK = 2**20
_INCOMING = ".incoming"
_UNSETTLED = ".unsettled"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"(?P<sha256>[0-9a-f]{64})\.(?P<extension>[a-z]+)")
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_OTHER_KIND = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
"""A file stands where a folder should, or a folder in a file's place: which, has to be told."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ImageStore:
    """The image files of one data folder. Thread-safe; every method may raise StorageFailure."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._incoming = settings.images_dir / _INCOMING
        self._unsettled = settings.cards_dir / _UNSETTLED
        self._wholeness = Wholeness()

    def path(self, sha256: str, extension: str) -> Path:
        """Where the picture is, or would be."""
        return self.settings.images_dir / sha256[:2] / f"{sha256}.{extension}"

    def has(self, sha256: str, extension: str, size: int) -> bool:
        """Its file is there, as long as it should be and with the bytes it is named by."""
        with speaking_of(self.settings.data_dir):
            path = self.path(sha256, extension)
            try:
                return path.stat().st_size == size and self._wholeness.of(path, sha256)
            except FileNotFoundError:
                return False

    def put(self, data: bytes, extension: str) -> str:
        """Store bytes durably; returns their SHA-256. Storing the same again changes nothing."""
        with self.receive(io.BytesIO(data), max_bytes=len(data)) as (temp, sha256):
            self.keep(temp, sha256, extension)
        return sha256

    @contextmanager
    def receive(self, source: BinaryIO, max_bytes: int) -> Generator[tuple[Path, str]]:
        """Copy `source` to a file of this folder: (path, SHA-256). Gone after the block unless kept.

        Raises PictureRefused beyond `max_bytes`.
        """
        temp = self._incoming / uuid.uuid4().hex
        try:
            with speaking_of(self.settings.data_dir):
                sha256 = _copy_durably(source, temp, max_bytes)
            yield temp, sha256
        finally:
            with speaking_of(self.settings.data_dir):
                durable.delete(temp)

    def keep(self, temp: Path, sha256: str, extension: str) -> Path:
        """Move a received file to its place, durably. A file that is there already is made whole again."""
        target = self.path(sha256, extension)
        with speaking_of(self.settings.data_dir):
            _move_durably(temp, target)
        return target

    def put_aside(self, data: bytes) -> Path:
        """Write bytes to a file of this folder, durably, to be kept or dropped later."""
        temp = self._incoming / uuid.uuid4().hex
        with speaking_of(self.settings.data_dir):
            try:
                _write(temp, data, durably=True)
            except OSError:
                durable.delete(temp)
                raise
        return temp

    def keep_all(self, received: Iterable[tuple[Path, str, str]]) -> None:
        """Move files that were set aside, as (path, SHA-256, extension), to their places, durably.

        As `keep`, but each folder is synced once.
        """
        folders: set[Path] = set()
        with speaking_of(self.settings.data_dir):
            for temp, sha256, extension in received:
                target = self.path(sha256, extension)
                if target.parent not in folders:
                    durable.make_folder(target.parent)
                    folders.add(target.parent)
                durable.replace(temp, target, same=True)
            for folder in folders:
                durable.sync_folder(folder)

    def drop_aside(self, temps: Iterable[Path]) -> None:
        """Remove files that were set aside, as far as they are still there."""
        with speaking_of(self.settings.data_dir):
            for temp in temps:
                durable.delete(temp)

    def thumbnail(self, sha256: str, extension: str, side: int = images.THUMBNAIL_SIDE) -> Path:
        """A WebP of `side` px, made if it isn't there. Raises PictureRefused, FileNotFoundError."""
        target = self._thumbnail(sha256, side)
        if not is_whole_webp(target):
            self._derive(target, images.thumbnail(self._whole(sha256, extension), side), durably=False)
        return target

    def keep_thumbnails(self, sha256: str, made: Mapping[int, bytes]) -> None:
        """Keep thumbnails made elsewhere, by their longest side."""
        for side, data in made.items():
            target = self._thumbnail(sha256, side)
            if not is_whole_webp(target):
                self._derive(target, data, durably=False)

    def keep_sidecar(self, sha256: str, name: str, text: str, *, anew: bool = False) -> None:
        """Keep a text that lay beside a picture, durably; one that is here stays, unless `anew`."""
        target = self._sidecar(sha256)
        with speaking_of(self.settings.data_dir):
            if anew or not target.exists():
                content = json.dumps({"name": name, "text": text}, ensure_ascii=False)
                temp = self.put_aside(content.encode("utf-8", "replace"))
                try:
                    _move_durably(temp, target)
                finally:
                    durable.delete(temp)

    def keep_card_parts(self, parts: Iterable[bytes]) -> list[str]:
        """Keep bytes that a character card brought, durably, under their SHA-256, which are returned.

        Before the first comes to its place, their names are in `unsettled_card_parts`.
        """
        names: list[str] = []
        aside: dict[str, Path] = {}
        try:
            for data in parts:
                sha256 = images.sha256(data)
                names.append(sha256)
                if sha256 not in aside and not self.has_card_part(sha256):
                    aside[sha256] = self.put_aside(data)
            self.unsettle_card_parts(aside)
            with speaking_of(self.settings.data_dir):
                for sha256, temp in aside.items():
                    _move_durably(temp, self.card_part(sha256))
        finally:
            self.drop_aside(aside.values())
        return names

    def unsettle_card_parts(self, names: Iterable[str]) -> None:
        """Write down that nobody may need these in a moment, so that a start after a crash looks."""
        before = self.unsettled_card_parts()
        if wanted := frozenset(filter(_SHA256.fullmatch, names)) - before:
            with speaking_of(self.settings.data_dir):
                durable.make_folder(self.settings.cards_dir)
                lines = (f"{name}\n".encode() for name in (*before, *wanted))
                durable.write_whole(self._unsettled, lines)

    def unsettled_card_parts(self) -> frozenset[str]:
        """Names of bytes that nobody may need."""
        with speaking_of(self.settings.data_dir):
            try:
                lines = self._unsettled.read_text("ascii", "replace").splitlines()
            except FileNotFoundError:
                return frozenset()
        return frozenset(filter(_SHA256.fullmatch, lines))

    def settle_card_parts(self) -> None:
        """What was unsettled has been looked at."""
        with speaking_of(self.settings.data_dir):
            durable.delete(self._unsettled)
            if self.settings.cards_dir.is_dir():
                durable.clear_unfinished(self.settings.cards_dir)

    def card_part(self, sha256: str) -> Path:
        """Where those bytes are, or would be."""
        return self.settings.cards_dir / sha256[:2] / sha256

    def has_card_part(self, sha256: str) -> bool:
        """Those bytes are here."""
        path = self.card_part(sha256)
        with speaking_of(self.settings.data_dir):
            try:
                return self._wholeness.of(path, sha256)
            except FileNotFoundError:
                return False

    def drop_card_part(self, sha256: str) -> None:
        """Delete those bytes; what is no SHA-256, or is open elsewhere, stays."""
        if _SHA256.fullmatch(sha256):
            with speaking_of(self.settings.data_dir), contextlib.suppress(durable.InUse):
                _delete_file(self.card_part(sha256))

    def sidecar(self, sha256: str) -> tuple[str, str] | None:
        """(name, text) of what lay beside a picture; None where there was nothing."""
        try:
            said = json.loads(self._sidecar(sha256).read_text(encoding="utf-8"))
            return str(said["name"]), str(said["text"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def working_file(self, sha256: str, extension: str, *, plain: bool) -> Path:
        """An upright 8-bit RGB PNG of the picture: itself where it is one (`plain`), else a copy."""
        if plain:
            return self.path(sha256, extension)
        target = self.settings.working_dir / sha256[:2] / f"{sha256}.png"
        if not is_whole_png(target):
            self._derive(target, _png(images.working_copy(self._whole(sha256, extension))), durably=True)
        return target

    def mask_file(self, sha256: str, extension: str) -> Path:
        """An upright 8-bit RGBA PNG of the picture, made if it isn't there."""
        target = self.settings.working_dir / sha256[:2] / f"{sha256}.mask.png"
        if not is_whole_png(target):
            picture = images.working_copy(self._whole(sha256, extension), clear=True)
            self._derive(target, _png(picture), durably=True)
        return target

    def original_file(self, sha256: str, extension: str) -> Path:
        """An upright 8-bit PNG of the picture in its own colours, made if it isn't there."""
        target = self.settings.working_dir / sha256[:2] / f"{sha256}.own.png"
        if not is_whole_png(target):
            self._derive(target, _png(images.own_copy(self._whole(sha256, extension))), durably=True)
        return target

    def _whole(self, sha256: str, extension: str) -> Path:
        """The file to make others from. Raises FileNotFoundError where it holds other bytes by now."""
        path = self.path(sha256, extension)
        with speaking_of(self.settings.data_dir):
            if not self._wholeness.of(path, sha256):
                raise FileNotFoundError(errno.ENOENT, "The file holds other bytes", str(path))
        return path

    def files(self) -> Iterator[tuple[str, str]]:
        """(SHA-256, extension) by name of every stored file, unread, in no order; strangers are left out."""
        with speaking_of(self.settings.data_dir):
            if not self.settings.images_dir.is_dir():
                return
            for folder in os.scandir(self.settings.images_dir):
                if folder.is_dir() and len(folder.name) == 2:
                    for entry in os.scandir(folder):
                        if (name := _NAME.fullmatch(entry.name)) and entry.is_file():
                            yield name["sha256"], name["extension"]

    def delete(self, names: Iterable[tuple[str, str]]) -> frozenset[str]:
        """Delete pictures, named by (SHA-256, extension), durably and with all that was made from them.

        Returns the SHA-256 of those that stay for now, since another program has them open.
        """
        folders: set[Path] = set()
        in_use: set[str] = set()
        with speaking_of(self.settings.data_dir):
            for sha256, extension in names:
                try:
                    self._delete(sha256, extension)
                except durable.InUse:
                    in_use.add(sha256)
                folders.add(self.path(sha256, extension).parent)
            for folder in filter(Path.is_dir, folders):
                durable.sync_folder(folder)
        return frozenset(in_use)

    def _delete(self, sha256: str, extension: str) -> None:
        for derived in (self.settings.thumbnails_dir, self.settings.working_dir):
            for path in (derived / sha256[:2]).glob(f"{sha256}*"):
                _delete_file(path)
        _delete_file(self._sidecar(sha256))
        _delete_file(model_pictures.path(self.settings.model_pictures_dir, sha256))
        _delete_file(self.path(sha256, extension))

    def clear_incoming(self) -> int:
        """Remove what interrupted writes left behind; returns how many. Only before anything is stored."""
        folders = (self.settings.images_dir, self.settings.thumbnails_dir, self.settings.working_dir)
        with speaking_of(self.settings.data_dir):
            left = [temp for folder in folders for temp in (folder / _INCOMING).glob("*")]
            for temp in left:
                with contextlib.suppress(durable.InUse):  # the next start will do
                    _delete_file(temp)
            readings = self.settings.readings_dir.glob("*/??")
            written_whole = (self.settings.model_pictures_dir, self.settings.cards_dir, *readings)
            return len(left) + sum(map(durable.clear_unfinished, written_whole))

    def _sidecar(self, sha256: str) -> Path:
        return self.settings.sidecars_dir / sha256[:2] / f"{sha256}.json"

    def _thumbnail(self, sha256: str, side: int) -> Path:
        name = f"{sha256}.webp" if side == images.THUMBNAIL_SIDE else f"{sha256}.{side}.webp"
        return self.settings.thumbnails_dir / sha256[:2] / name

    def _derive(self, target: Path, data: bytes, *, durably: bool) -> None:
        temp = target.parent.parent / _INCOMING / uuid.uuid4().hex
        with speaking_of(self.settings.data_dir):
            try:
                _write(temp, data, durably=durably)
                _rename(temp, target)
            except OSError:
                durable.delete(temp)
                raise


def _delete_file(path: Path) -> None:
    """A folder that somebody put in its place stays."""
    try:
        durable.delete(path)
    except (IsADirectoryError, PermissionError):
        if not path.is_dir():
            raise


def _rename(temp: Path, target: Path) -> None:
    """Its folder is made where it is missing, which is rare."""
    try:
        durable.replace(temp, target, same=True)
    except FileNotFoundError:
        durable.make_folder(target.parent)
        durable.replace(temp, target, same=True)


def _write(target: Path, data: bytes, *, durably: bool) -> None:
    with durable.create(target) as file:
        file.write(data)
        if durably:
            durable.sync(file)


@contextmanager
def speaking_of(folder: Path) -> Generator[None]:
    """Turn failures of the disk into words about the data folder; a missing file passes as it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageFailure(_words(folder, error)) from error


def _words(folder: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return f"The disk of {folder} is full. Free some space and try again."
    if error.errno in _READ_ONLY:
        return f"The data folder {folder} is read-only. Make it writable or choose another --data-dir."
    at = f" ({error.filename})" if error.errno in _OTHER_KIND and error.filename else ""
    return f"The data folder {folder} cannot be used: {error.strerror or error}{at}."


def _copy_durably(source: BinaryIO, target: Path, max_bytes: int) -> str:
    digest = hashlib.sha256()
    with durable.create(target) as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            file.write(block)
            if file.tell() > max_bytes:
                raise PictureRefused(
                    f"The file is too large. Make it smaller than {max_bytes // 2**20} MB and load it again.",
                    field="file",
                )
        durable.sync(file)
    return digest.hexdigest()


def _move_durably(temp: Path, target: Path) -> None:
    durable.make_folder(target.parent)
    durable.replace(temp, target, same=True)
    durable.sync_folder(target.parent)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
