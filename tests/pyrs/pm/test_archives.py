"""Archives that lie: a clear error, exit code 6, and nothing changed."""

import io
import random
import struct
import tarfile
import zipfile

import pytest
from pyrs.pm import sdist, wheel
from support.package_index import Offer, make_sdist, make_wheel


def install_of(project, index, name, body, expect):
    index.offer("bad", Offer(name, body))
    project.declare({"bad": "*"})
    result = project.pyrs("install", expect=expect)
    if expect:
        assert not (project.root / ".pyrs").exists()
    return result


def edit(change):
    """A `mangle` that works on a dict of members and gives back the list."""

    def mangle(rows):
        members = dict(rows)
        return list((change(members) or members).items())

    return mangle


def add_unlisted(members):
    members["bad/extra.py"] = b"boo"


def change_a_byte(members):
    members["bad/__init__.py"] = members["bad/__init__.py"] + b"#"


def wrong_record(members):
    key = "bad-1.0.dist-info/RECORD"
    members[key] = members[key].replace(b"sha256=", b"sha256=AAAA", 1)


def record_without_hash(members):
    key = "bad-1.0.dist-info/RECORD"
    lines = members[key].decode().splitlines()
    members[key] = "\n".join([lines[0].split(",")[0] + ",,", *lines[1:]]).encode()


def weak_hash(members):
    key = "bad-1.0.dist-info/RECORD"
    members[key] = members[key].replace(b"sha256=", b"md5=")


def listed_but_absent(members):
    del members["bad/__init__.py"]


def no_record(members):
    del members["bad-1.0.dist-info/RECORD"]


def no_wheel_file(members):
    del members["bad-1.0.dist-info/WHEEL"]


def two_infos(members):
    members["other-1.0.dist-info/METADATA"] = b""


def link(members):
    item = zipfile.ZipInfo("bad/link")
    item.external_attr = 0o120777 << 16
    item.create_system = 3
    return {**members, item: b"/etc/passwd"}


def named(name):
    return lambda members: {**members, name: b"boo"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (named("../../evil.py"), "would leave its folder"),
        (named("bad/../../evil.py"), "would leave its folder"),
        (named("/etc/evil"), "plain relative name"),
        (named("bad\\evil.py"), "plain relative name"),
        (named("C:/evil.py"), "would leave its folder"),
        (named("bad//evil.py"), "would leave its folder"),
        (named("bad-1.0.data/oops/x"), "RECORD"),
        (link, "is a symbolic link"),
        (add_unlisted, "is not listed in RECORD"),
        (change_a_byte, "does not have the hash RECORD gives"),
        (wrong_record, "does not have the hash RECORD gives"),
        (record_without_hash, "no strong hash"),
        (weak_hash, "no strong hash"),
        (listed_but_absent, "which is not there"),
        (no_record, "RECORD is missing"),
        (no_wheel_file, "WHEEL is missing"),
        (two_infos, "expected one .dist-info folder"),
        (named("bad/__init__.py/x"), "both a file and a folder"),
    ],
)
def test_wheel_that_is_not_what_it_should_be_is_refused(project, index, tmp_path, change, message):
    name, body = make_wheel("bad", "1.0", mangle=edit(change))

    error = install_of(project, index, name, body, 6).err

    assert message in error and error.startswith("error[pyrs-6]:")
    assert not list(tmp_path.rglob("evil*"))


def test_member_given_twice_is_refused(project, index):
    def twice(rows):
        return [*rows, (rows[0][0], b"other")]

    with pytest.warns(UserWarning, match="Duplicate name"):
        name, body = make_wheel("bad", "1.0", mangle=twice)

    assert "two members are named" in install_of(project, index, name, body, 6).err


def test_bomb_is_refused_before_it_is_unpacked(project, index):
    files = {f"bad/{i}.bin": b"\0" * 30_000_000 for i in range(4)}
    name, body = make_wheel("bad", "1.0", files=files)

    assert "looks like a bomb" in install_of(project, index, name, body, 6).err


def test_member_larger_than_the_directory_says_is_refused(project, index):
    name, body = make_wheel("bad", "1.0", files={"bad.py": "x = 1\n" * 100})
    size = struct.pack("<I", 600)
    changed = body.replace(size, struct.pack("<I", 599))

    assert changed != body
    assert "does not have the size" in install_of(project, index, name, changed, 6).err


@pytest.mark.parametrize(
    "body", [b"", b"PK", b"not a zip at all" * 100, b"PK\x05\x06" + b"\0" * 18]
)
def test_file_that_is_no_archive_is_refused(project, index, body):
    index.metadata = "quiet"
    offer = index.wheel("bad", "1.0")
    offer.served = body
    project.declare({"bad": "*"})

    project.pyrs("install", expect=6)


def test_wheel_of_another_distribution_is_refused(project, index):
    _, body = make_wheel("good", "1.0")

    index.metadata = "absent"
    index.ranges = False
    index.offer("bad", Offer("bad-1.0-py3-none-any.whl", body))
    project.declare({"bad": "*"})

    project.pyrs("lock", expect=4)


def test_wheel_whose_bytes_are_not_the_locked_ones_is_refused(project, index):
    offer = index.wheel("good", "1.0")
    project.declare({"good": "*"})
    project.pyrs("lock")
    offer.served = make_wheel("good", "1.0", files={"good.py": "evil = True\n"})[1]

    error = project.pyrs("install", expect=6).err

    assert "good-1.0-py3-none-any.whl does not have the locked hash" in error
    assert not (project.root / ".pyrs").exists()


@pytest.mark.parametrize("fast", [False, True])
def test_damaged_streams_are_refused_whatever_inflates_them(tmp_path, monkeypatch, fast):
    monkeypatch.setattr(wheel, "libdeflate", pytest.importorskip("deflate") if fast else None)
    name, body = make_wheel("bad", "1.0", files={"bad.py": f"x = {list(range(2000))}\n"})
    start, rng = body.index(b"bad.py") + 6, random.Random(4)

    wheel.unpack(memoryview(body), name, tmp_path)
    for n in range(100):
        at = start + rng.randrange(1500)
        damaged = body[:at] + bytes([body[at] ^ (1 << n % 8)]) + body[at + 1 :]
        folder = tmp_path / str(n)
        folder.mkdir()
        with pytest.raises(wheel.BadArchive):
            wheel.unpack(memoryview(damaged), name, folder)


@pytest.mark.parametrize("where", ["wheel", "lock", "store"])
def test_every_flipped_byte_is_found(project, index, store, where):
    """Forty here; the long twin does a thousand."""
    flips(project, index, store, where, 40)


@pytest.mark.long
@pytest.mark.parametrize("where", ["wheel", "lock", "store"])
def test_every_one_of_a_thousand_flipped_bytes_is_found(project, index, store, where):
    flips(project, index, store, where, 1000)


def flips(project, index, store, where, count):
    offer = index.wheel(
        "good", "1.0", files={"good/__init__.py": "x = 1\n", "good/data.bin": bytes(range(256))}
    )
    project.declare({"good": "*"})
    if where == "wheel":
        project.pyrs("lock")
    else:
        project.pyrs("install")
    rng = random.Random(20)
    entry = next((p for p in store.glob("pkgs/*")), None)
    targets = {
        "lock": [project.lock],
        "store": [p for p in entry.rglob("*") if p.is_file()] if entry else [],
    }
    for _ in range(count):
        if where == "wheel":
            offer.served = flipped(rng, offer.body)
            project.pyrs("install", expect=6)
            continue
        path = rng.choice(targets[where])
        before = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(flipped(rng, before))
        try:
            if where == "lock":
                project.pyrs("install", expect=5)
            else:
                project.pyrs("check", expect=9)
        finally:
            path.write_bytes(before)
            path.chmod(0o444 if where == "store" else 0o644)
    offer.served = None
    project.pyrs("install")


def flipped(rng, body):
    at = rng.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << rng.randrange(8))]) + body[at + 1 :]


# -- Source archives ---------------------------------------------------------------------------------


def entry(name, body=b"boo", kind=tarfile.REGTYPE, target=""):
    item = tarfile.TarInfo(name)
    item.type, item.linkname, item.size = kind, target, len(body)
    return item, body


LINK = entry("bad-1.0/link", b"", tarfile.SYMTYPE, "../..")
HOSTILE = {
    "leaves its folder": [entry("../../evil.py")],
    "leaves from inside": [entry("bad-1.0/../../evil.py")],
    "absolute": [entry("/tmp/evil.py")],
    "backslash": [entry("bad-1.0\\evil.py")],
    "link that leaves": [entry("bad-1.0/link", b"", tarfile.SYMTYPE, "/etc")],
    "file through a link": [LINK, entry("bad-1.0/link/evil.py")],
    "hard link out": [entry("bad-1.0/passwd", b"", tarfile.LNKTYPE, "../../../etc/passwd")],
    "device": [entry("bad-1.0/null", b"", tarfile.CHRTYPE)],
    "two tops": [entry("other-1.0/evil.py")],
    "bomb": [entry("bad-1.0/zeros", b"\0" * 80_000_000)],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_source_archive_that_reaches_out_is_refused(project, index, tmp_path, kind):
    _, plain = make_sdist("bad", "1.0")
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(plain)) as good,
        tarfile.open(fileobj=out, mode="w:gz") as tar,
    ):
        for item in good:
            tar.addfile(item, good.extractfile(item))
        for item, body in HOSTILE[kind]:
            tar.addfile(item, io.BytesIO(body))

    error = install_of(project, index, "bad-1.0.tar.gz", out.getvalue(), 6).err

    assert error.startswith("error[pyrs-6]: bad-1.0.tar.gz")
    assert not list(tmp_path.rglob("evil*"))


def test_source_archive_that_inflates_for_ever_is_refused_when_it_is_locked():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for item, body in [entry("bad-1.0/zeros", b"\0" * 80_000_000), entry("bad-1.0/PKG-INFO")]:
            tar.addfile(item, io.BytesIO(body))

    with pytest.raises(wheel.BadArchive, match="looks like a bomb"):
        sdist.read_pkg_info("bad-1.0.tar.gz", out.getvalue())


@pytest.mark.parametrize("body", [b"", b"no archive", b"\x1f\x8b" + b"\0" * 50])
@pytest.mark.parametrize("name", ["bad-1.0.tar.gz", "bad-1.0.zip"])
def test_source_archive_that_is_none_is_refused(project, index, name, body):
    assert install_of(project, index, name, body, 6).err.startswith(f"error[pyrs-6]: {name}")


def test_large_archives_with_zip64_directories_are_read(project, index):
    out = io.BytesIO()
    name, body = make_wheel("good", "1.0")
    with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(out, "w") as target:
        for item in source.infolist():
            with target.open(item.filename, "w", force_zip64=True) as stream:
                stream.write(source.read(item))
    index.offer("good", Offer(name, out.getvalue()))
    project.declare({"good": "*"})

    project.pyrs("install")
    project.run("-c", "import good")
