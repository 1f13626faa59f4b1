"""Folders and zip archives: which files there are, by names below them with slashes, and how each is opened."""

import contextlib
import io
import os
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

from utilities.data.idx import LARGEST_DEFLATE_RATIO
from utilities.data.pictures import SUFFIXES, open_picture
from utilities.errors import BadInput
from utilities.text import printable

HIDDEN = (".", "__MACOSX", "Thumbs.db", "desktop.ini")
ENCRYPTED, IS_UTF8 = 0x1, 0x800  # flags of a member
LARGEST_MEMBER = 2**28  # bytes of a picture in an archive, which is read whole


class Folder:
    """A folder."""

    def __init__(self, path):
        self.path = Path(path)

    def title(self, name):
        """Return what a file is called in messages."""
        return printable(str(self.path / name), 200)

    def at(self, name):
        """Return a context manager of the path of a file."""
        return contextlib.nullcontext(self.path / name)

    def open(self, name):
        """Return a picture as pictures.open_picture does."""
        return open_picture(f"{self.path}/{name}")  # a Path takes as long as a tenth of a small picture

    def files(self):
        """Return the files in the folder and in those below it, and a line on each that is not taken, or is a link."""
        names, left_out = [], []
        for folder, folders, files in os.walk(self.path, onerror=_raise):
            folders[:] = sorted(base for base in folders if not base.startswith(HIDDEN))
            links = [base for base in folders if Path(folder, base).is_symlink()]
            below = Path(folder).relative_to(self.path)
            for base in [*sorted(base for base in files if not base.startswith(HIDDEN)), *links]:
                name = (below / base).as_posix()
                fault = _fault_of(Path(folder, base), name)
                if not fault:
                    names.append(name)
                else:
                    left_out.append(f"{self.title(name)}: {fault}")
        return names, left_out


def _raise(error):
    raise error


def _fault_of(path, name):
    """Return why a file, or a link, is not taken, or None."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its name is no text"
    return "a link" if path.is_symlink() else None if path.is_file() else "not a regular file"


class Archive:
    """A zip archive, read in place; see Folder.

    Raises:
        BadInput: it is none, or a damaged or an encrypted one.
    """

    def __init__(self, path):
        self.path, self._lock = Path(path), threading.Lock()
        try:
            self._zip = zipfile.ZipFile(self.path)
        except Exception as error:  # a damaged directory may raise anything
            fault = "not a zip archive that can be read, damaged or cut off"
            raise BadInput(f"{self.path}: {fault}: {printable(str(error))}") from error
        self.members = {name: member for member in self._zip.infolist() if (name := _name_of(member))}
        if any(member.flag_bits & ENCRYPTED for member in self.members.values()):
            raise BadInput(f"{self.path}: an encrypted zip archive: unpack it first")

    def title(self, name):
        """Return what a member is called in messages."""
        return printable(f"{self.path}: {name}", 200)

    @contextlib.contextmanager
    def at(self, name):
        """Yield the path of a temporary file with a member's content; what is mapped of it outlasts it.

        Raises:
            BadInput: it cannot be unpacked, or not in the room that there is.
        """
        member, free = self.members[name], shutil.disk_usage(tempfile.gettempdir()).free
        if member.file_size > min(free, max(1, member.compress_size) * LARGEST_DEFLATE_RATIO):
            raise BadInput(f"{self.title(name)}: not unpacked: it claims {member.file_size:,} bytes, {free:,} are free")
        # Windows removes no file that is mapped, and opens none twice.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = Path(folder, "member")
            try:
                with self._zip.open(member) as stream, path.open("wb") as file:
                    shutil.copyfileobj(stream, file)
            except Exception as error:  # each way of compression has errors of its own
                raise BadInput(f"{self.title(name)}: cannot be unpacked: {printable(str(error), 100)}") from error
            yield path

    def open(self, name):
        """Return a picture as pictures.open_picture does."""
        if self.members[name].file_size > LARGEST_MEMBER:
            raise BadInput(f"unpacked it would take {self.members[name].file_size:,} bytes")
        with self._lock:
            content = self._zip.read(self.members[name])
        return open_picture(io.BytesIO(content))

    def files(self):
        """Return the members, sorted, and no lines."""
        hidden = {name for name in self.members if any(part.startswith(HIDDEN) for part in name.split("/"))}
        return sorted(self.members.keys() - hidden), []


def _name_of(member):
    """Return the name of an archive's member, with slashes, as other archivers than ours meant it; "" of a folder's."""
    name = member.filename.replace("\\", "/")  # PowerShell 5
    if not member.flag_bits & IS_UTF8:
        with contextlib.suppress(UnicodeError):  # UTF-8 of which the archiver does not say so
            name = name.encode("cp437").decode()
    return "" if name.endswith("/") else "/".join(part for part in name.split("/") if part not in ("", "."))


def is_archive(path):
    """Tell whether a file is a zip archive, perhaps a damaged one, by how it begins."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\3\4" or zipfile.is_zipfile(path)


def is_picture(name):
    """Tell whether a file is a picture, by its name."""
    return name.lower().endswith(SUFFIXES)
