"""Files that are there whole or not at all."""

import os
import secrets
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path):
    """Yield the name of a new file beside `path` that takes its place once it is complete.

    Whatever goes wrong, a file that was at `path` stays as it is.

    Raises
    ------
    OSError
        If the folder or the disk does not take the file.
    """
    path = Path(os.fspath(path))
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield fresh
        with open(fresh, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(
            error.errno,
            f"{reason}. What was there before, if anything, is unchanged; give a folder that "
            "exists, may be written to and has room",
            str(path),
        ) from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _sync_folder(folder):
    """Make the new name last through a power failure, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
