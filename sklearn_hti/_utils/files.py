"""Files that are there whole or not at all."""

import errno
import glob
import os
import secrets
import time
from contextlib import contextmanager, suppress
from pathlib import Path

_ABANDONED = 3600.0  # seconds after which an unfinished file is that of a process that was killed


@contextmanager
def replacing(path):
    """Yield the name of a new file beside `path` that takes its place once it is complete.

    Whatever goes wrong, a file that was at `path` stays as it is. A link stays, too: what it
    leads to is replaced.

    Raises
    ------
    OSError
        If the folder or the disk does not take the file, or `path` is a device.
    """
    given = os.fsdecode(path)
    path = Path(os.path.realpath(given))
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        if path.exists() and not path.is_file():
            code = errno.EISDIR if path.is_dir() else errno.EINVAL
            raise OSError(code, os.strerror(code))
        _remove_abandoned(path)
        fresh.touch()  # a folder that takes no file says so before anything is written
        yield fresh
        with open(fresh, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(
            error.errno,
            f"{reason}. What was there before, if anything, is unchanged; give a file in a folder "
            "that exists, may be written to and has room",
            given,
        ) from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _remove_abandoned(path):
    """Remove what processes that were killed have left of the same file."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED:
                part.unlink()


def _sync_folder(folder):
    """Make the new name last through a power failure, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
