"""Files that are there whole or not at all."""

import errno
import hashlib
import os
import secrets
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path

_ABANDONED = 3600.0  # seconds after which an unfinished file is that of a process that was killed
_EVERYONE = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def readable(path):
    """Return the name of a file that can be read to its end.

    Raises
    ------
    OSError
        If there is none, or `path` is a folder, a pipe or a device.
    """
    name = os.fsdecode(path)
    _check_regular(os.stat(name).st_mode, name)
    return name


@contextmanager
def replacing(path):
    """Yield the name of a new file beside `path` that takes its place once it is complete.

    Whatever goes wrong, a file that was at `path` stays as it is. A link stays, too: what it
    leads to is replaced. The new file has owner and mode of the one that it replaces, else those
    of any new file; until it is complete, it is its owner's alone.

    Raises
    ------
    OSError
        If the folder or the disk does not take the file, or `path` is read-only, a loop of
        links, a pipe or a device.
    """
    given = os.fsdecode(path)
    path = Path(os.path.realpath(given))
    # of one length, whatever that of the name
    hidden = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}"
    fresh = path.with_name(f"{hidden}.{secrets.token_hex(4)}.part")
    try:
        before = _status(path)
        _remove_abandoned(path.parent, hidden)
        fresh.touch()  # a folder that takes no file says so before anything is written
        mode = (before or fresh.stat()).st_mode & _EVERYONE
        _change_mode(fresh, stat.S_IRUSR | stat.S_IWUSR)
        yield fresh
        with open(fresh, "rb+") as file:
            os.fsync(file.fileno())
        if before is not None and not _give_to(fresh, before):
            mode &= ~stat.S_IRWXG  # its group is another one
        _change_mode(fresh, mode)
        os.replace(fresh, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(
            error.errno,
            f"{reason}. An existing file is unchanged. Pass a file in a folder that exists, is "
            "writable and has enough space",
            given,
        ) from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _status(path):
    """Return the status of the file that is to be replaced; None without one."""
    if path.is_symlink():  # what `realpath` leaves of a loop
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    try:
        before = path.stat()
    except FileNotFoundError:
        return None
    _check_regular(before.st_mode)
    # who may do anything may write to what nobody may write to
    if not (before.st_mode & _WRITABLE and os.access(path, os.W_OK)):
        raise PermissionError(errno.EACCES, "The file is read-only")
    return before


def _check_regular(mode, *name):
    if not stat.S_ISREG(mode):
        code = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(code, os.strerror(code), *name)


def _give_to(fresh, before):
    """Give a file owner and group of another; tell whether it has the group."""
    if not hasattr(os, "chown"):
        return True
    for owner in (before.st_uid, -1):
        with suppress(OSError):
            os.chown(fresh, owner, before.st_gid)
            return True
    return False


def _change_mode(path, mode):
    with suppress(OSError):  # of disks that have no modes
        path.chmod(mode)


def _remove_abandoned(folder, hidden):
    """Remove what processes that were killed have left of the same file."""
    for part in folder.glob(f"{hidden}.*.part"):
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
