"""Files that are replaced keep what their owner has set; what is no file is refused."""

import errno
import os
import stat

import pytest

from sklearn_hti._utils.files import readable, replacing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links are of POSIX")


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


def write(path, text="new"):
    with replacing(path) as fresh:
        assert stat.S_IMODE(fresh.stat().st_mode) == 0o600  # nobody reads half a file
        fresh.write_text(text)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("given", [0o600, 0o640, 0o664, 0o200])
def test_a_replaced_file_keeps_its_mode(tmp_path, umask, given):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(given)
    write(path)
    assert mode(path) == given
    link = tmp_path / "link"
    link.symlink_to(path)
    write(link)
    assert link.is_symlink()
    assert mode(path) == given


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path, umask):
    write(tmp_path / "file")
    assert mode(tmp_path / "file") == 0o640


def test_owner_and_group_stay(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o660)
    given = []
    monkeypatch.setattr(os, "chown", lambda path, *ids: given.append(ids))
    write(path)
    assert given == [(path.stat().st_uid, path.stat().st_gid)]

    def refuse(*args):
        raise PermissionError(errno.EPERM, "not yours")

    monkeypatch.setattr(os, "chown", refuse)
    write(path)
    assert mode(path) == 0o600  # another group does not get the rights of the first


@pytest.mark.parametrize("given", [0o444, 0o400, 0o555])
def test_a_read_only_file_stays(tmp_path, given):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(given)
    with pytest.raises(PermissionError, match="read-only"), replacing(path):
        pass
    assert (path.read_text(), mode(path)) == ("old", given)
    assert os.listdir(tmp_path) == ["file"]


def test_loops_of_links_pipes_and_folders_are_refused(tmp_path):
    here, there, pipe = tmp_path / "here", tmp_path / "there", tmp_path / "pipe"
    here.symlink_to(there)
    there.symlink_to(here)
    os.mkfifo(pipe)
    for path in (here, pipe, tmp_path):
        with pytest.raises(OSError, match="unchanged"), replacing(path):
            pass
        with pytest.raises(OSError):
            readable(path)
    assert here.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["here", "pipe", "there"]


def test_a_link_to_nothing_makes_the_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write(tmp_path / "link")
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, b"not \xff text", "a\nb", "[*]"])
def test_every_name_that_the_system_takes(tmp_path, name):
    path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
    write(path)
    write(path, "newer")
    with open(readable(path)) as file:
        assert file.read() == "newer"
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(name)]


def test_what_a_killed_process_left_is_removed(tmp_path):
    with replacing(tmp_path / "file") as fresh:
        fresh.write_text("new")
        left = fresh.with_name(fresh.name.split(".")[1].join([".", ".00000000.part"]))
        left.write_text("half")
        os.utime(left, (0, 0))
    write(tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]
