"""The index client: what indexes look like, how they fail, and what they may not do."""

import base64
import gzip
import os
import shutil
import subprocess
import threading

import pytest
from pyrs.pm import http
from pyrs.pm.errors import NetworkError
from pyrs.pm.index import group_releases
from pyrs.pm.pages import parse_links, parse_page
from support.package_index import PackageIndex


@pytest.fixture
def small(project, index):
    index.wheel("leaf", "1.0")
    index.wheel("top", "1.0", ["leaf"])
    project.declare({"top": "*"})
    return project


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "html"])
@pytest.mark.parametrize("metadata", ["advertised", "quiet", "absent"])
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "whole"])
def test_every_kind_of_index_gives_the_same_lock(small, index, as_json, metadata, ranges):
    index.as_json, index.metadata, index.ranges = as_json, metadata, ranges

    packages = small.pyrs("lock", "--json").json()["packages"]

    assert packages == {"leaf": "1.0", "top": "1.0"}
    if metadata != "absent":
        assert not [p for p in index.log if p.endswith(".whl")]


def test_metadata_is_fetched_side_by_side(project, index):
    names = [f"part{n}" for n in range(4)]
    for name in names:
        index.wheel(name, "1.0")
    project.declare(dict.fromkeys(names, "*"))
    index.gather_at = ".metadata"
    index.gather = threading.Barrier(len(names))  # one after another would never get all of them

    assert set(project.pyrs("lock", "--json").json()["packages"]) == set(names)


def test_pages_are_asked_for_compressed(small, index):
    index.compress = True

    assert set(small.pyrs("lock", "--json").json()["packages"]) == {"top", "leaf"}
    assert index.log.count("compressed") == 2
    small.pyrs("lock", "--offline")


@pytest.mark.parametrize("body", [b"\x1f\x8b broken", gzip.compress(b"<" * 70_000_000)])
def test_compressed_pages_that_are_broken_or_bombs_exit_7(small, index, body):
    index.raw["/simple/top/"] = ("text/html", body)
    index.raw_headers = {"Content-Encoding": "gzip"}

    small.pyrs("lock", expect=7)


def test_refused_metadata_files_are_asked_for_once(project, index):
    index.metadata, index.as_json = "absent", False
    for n in range(6):
        index.wheel(f"p{n}", "1.0", [f"p{n + 1}"] if n < 5 else [])
    project.declare({"p0": "*"})

    project.pyrs("lock")

    assert len(index.requests(".metadata")) == 1


def test_index_without_hashes_is_locked_with_hashes(small, index):
    index.hashes = False

    small.pyrs("install")

    assert small.lock.read_text().count('sha256 = "') >= 4


def test_metadata_that_is_not_what_the_page_promised_is_refused(small, index):
    index.raw["/files/top-1.0-py3-none-any.whl.metadata"] = (
        "text/plain",
        b"Name: top\nVersion: 1.0\n\n",
    )

    assert "does not have the hash its index page gives" in small.pyrs("lock", expect=6).err


def test_pages_are_fresh_for_a_while_and_revalidated_when_asked(small, index):
    index.etag = True
    small.pyrs("lock")
    asked = len(index.requests("/simple/"))

    small.pyrs("lock")
    assert len(index.requests("/simple/")) == asked
    small.pyrs("lock", "--refresh")

    assert len(index.requests("/simple/")) == 2 * asked


def test_offline_works_from_cache_and_store_and_says_what_is_missing(small, index, store):
    assert "but --offline was given" in small.pyrs("install", "--offline", expect=7).err
    small.pyrs("install")
    asked = len(index.log)

    small.pyrs("lock", "--offline")
    small.pyrs("install", "--offline")
    small.pyrs("install", "--frozen", "--offline", "--dev")

    assert len(index.log) == asked


def test_temporary_failures_are_tried_again(small, index):
    index.failures["/simple/top/"] = [503, 500]
    index.failures["/files/leaf-1.0-py3-none-any.whl"] = [502]

    small.pyrs("install")


def test_lasting_failure_names_the_address_and_exits_7(small, index):
    index.failures["/simple/top/"] = [503] * 20

    error = small.pyrs("install", expect=7).err

    assert f"error[pyrs-7]: cannot reach {index.url}top/" in error
    assert "because HTTP 503" in error and not (small.root / ".pyrs").exists()


def test_unreachable_index_exits_7(small, monkeypatch):
    monkeypatch.setenv("PYRS_INDEX_URL", "http://127.0.0.1:9/simple/")

    assert "cannot reach http://127.0.0.1:9/simple/top/" in small.pyrs("install", expect=7).err


def test_proxy_of_the_environment_is_asked(small, index, monkeypatch):
    monkeypatch.setenv("PYRS_INDEX_URL", "http://packages.invalid/simple/")
    monkeypatch.setenv("http_proxy", index.base.replace("//", "//me:p%20w@"))

    small.pyrs("install")
    assert "http://packages.invalid/simple/top/" in index.log
    assert set(index.proxied) == {"Basic " + base64.b64encode(b"me:p w").decode()}
    assert index.credentials == []
    monkeypatch.setenv("no_proxy", "packages.invalid")
    asked = len(index.log)

    error = small.pyrs("lock", "--refresh", "--timeout", "1", expect=7).err
    assert "cannot reach http://packages.invalid" in error and len(index.log) == asked
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("http_proxy", "socks9://nowhere")
    assert "socks9" in small.pyrs("lock", "--refresh", expect=7).err


def test_slow_index_runs_into_the_timeout(small, index):
    index.delay = 1.0

    assert "cannot reach" in small.pyrs("lock", "--timeout", "0.2", expect=7).err


def test_broken_transfer_is_an_error_and_leaves_nothing(small, index):
    small.pyrs("lock")
    index.failures["/files/top-1.0-py3-none-any.whl"] = [404, 404]

    assert "HTTP 404" in small.pyrs("install", expect=7).err
    assert not (small.root / ".pyrs").exists()


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://h/", "javascript:1"]
)
def test_redirects_to_other_schemes_are_refused(small, index, target):
    index.redirects["/simple/top/"] = target

    assert "which is refused" in small.pyrs("lock", expect=7).err


def test_redirects_are_followed_but_not_for_ever(small, index):
    index.redirects["/simple/top/"] = f"{index.base}/moved/top/"
    index.redirects["/moved/top/"] = f"{index.base}/simple/really/"
    index.files["really"] = index.files["top"]
    small.pyrs("lock")

    index.redirects["/simple/really/"] = f"{index.base}/simple/top/"

    assert "more than 5 redirects" in small.pyrs("lock", "--refresh", expect=7).err


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"\0" * 100,
        b"not html",
        b'{"meta": {}}',
        b"[]",
        b'{"meta": {"api-version": "9.0"}, "files": []}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("kind", ["application/vnd.pypi.simple.v1+json", "text/html"])
def test_pages_that_are_no_pages_are_errors_not_crashes(small, index, page, kind):
    index.raw["/simple/top/"] = (kind, page)

    code = 7 if "json" in kind or b"<" not in page else 4

    small.pyrs("lock", expect=code)


HOSTILE_NAMES = [
    "../../evil-1.0-py3-none-any.whl",
    "..\\evil.whl",
    ".hidden-1.0.tar.gz",
    "a\0b-1.0.zip",
    7,
    None,
    "top.exe",
    "top-.whl",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_file_names_that_are_paths_are_ignored(name):
    import json

    body = json.dumps(
        {"meta": {"api-version": "1.0"}, "files": [{"filename": name, "url": "x"}]}
    ).encode()

    assert (
        group_releases(
            "evil", "pypi", parse_links(body, "application/json", "http://h/simple/evil/")
        )
        == []
    )


def test_links_to_other_schemes_are_ignored():
    page = b'<a href="file:///etc/x/evil-1.0-py3-none-any.whl">evil-1.0-py3-none-any.whl</a>'

    assert parse_page(page, "text/html", "http://h/simple/evil/") == []


def test_link_shown_under_another_name_than_it_has_is_ignored():
    page = b'<a href="http://f/evil-1.0-py3-none-any.whl">good-1.0-py3-none-any.whl</a>'

    assert parse_page(page, "text/html", "http://h/simple/good/") == []


def test_html_attributes_are_read_whatever_their_spelling():
    page = b"""<!DOCTYPE html><base href="http://f/x/">
      <A class=x HREF='a-1.0-py3-none-any.whl#sha256=%s' data-requires-python="&gt;=3.8" data-yanked>a-1.0-py3-none-any.whl</A>
      <a href="a-2.0.tar.gz" data-dist-info-metadata="sha256=%s" data-yanked="bad &amp; old">a-2.0.tar.gz</a>""" % (
        b"0" * 64,
        b"1" * 64,
    )

    first, second = parse_page(page, "text/html", "http://h/simple/a/")

    assert (first.url, first.sha256, first.requires_python, first.yanked) == (
        "http://f/x/a-1.0-py3-none-any.whl",
        "0" * 64,
        ">=3.8",
        "",
    )
    assert (second.yanked, second.metadata) == ("bad & old", "1" * 64)


def test_json_of_a_later_api_is_refused():
    with pytest.raises(NetworkError, match=r"API version 2\.0"):
        parse_page(
            b'{"meta": {"api-version": "2.0"}, "files": []}', "application/json", "http://h/"
        )


def test_hostile_metadata_is_no_candidate(project, index):
    index.wheel("top", "1.0")
    offer = index.wheel("top", "2.0", ["not a requirement !!"])
    index.metadata = "quiet"
    project.declare({"top": "*"})

    assert project.pyrs("lock", "--json").json()["packages"] == {"top": "1.0"}
    del index.files["top"]["top-1.0-py3-none-any.whl"]
    project.lock.unlink()
    error = project.pyrs("lock", "--refresh", expect=4).err

    assert "top 2.0 is not usable" in error and offer


def test_yanked_releases_are_taken_only_when_pinned(project, index):
    index.wheel("top", "1.0")
    index.wheel("top", "2.0", yanked="broken")
    project.declare({"top": "*"})
    assert project.pyrs("lock", "--json").json()["packages"] == {"top": "1.0"}
    project.declare({"top": "==2.0"})
    assert project.pyrs("lock", "--json").json()["packages"] == {"top": "2.0"}
    project.declare({"top": ">=2.0"})

    project.pyrs("lock", expect=4)


def test_requires_python_of_the_page_is_respected(project, index):
    index.wheel("top", "1.0")
    index.wheel("top", "2.0", python=">=4")
    project.declare({"top": "*"})

    assert project.pyrs("lock", "--json").json()["packages"] == {"top": "1.0"}


# -- More than one index ---------------------------------------------------------------------------


@pytest.fixture
def inner():
    with PackageIndex(user="me", password="s3cret") as server:
        yield server


def with_index(project, inner, deps, name="inner"):
    project.declare(deps, more=f'[[index]]\nname = "{name}"\nurl = "{inner.url}"\n')


def test_named_source_is_the_only_one_asked(project, index, inner, monkeypatch):
    index.wheel("lib", "9.0")
    inner.wheel("lib", "1.0")
    monkeypatch.setenv("PYRS_INDEX_INNER_USERNAME", "me")
    monkeypatch.setenv("PYRS_INDEX_INNER_PASSWORD", "s3cret")
    with_index(project, inner, {"lib": {"version": "*", "source": "inner"}})

    project.pyrs("install")

    text = project.lock.read_text()
    assert 'source = "inner"' in text and 'version = "1.0"' in text
    assert "s3cret" not in text and "me:" not in text
    assert not index.requests("lib")


def test_first_index_that_has_a_name_wins_and_candidates_are_not_merged(project, index, inner):
    inner.user = ""
    index.wheel("lib", "1.0")
    inner.wheel("lib", "9.0")
    inner.wheel("own", "2.0")
    with_index(project, inner, {"lib": "*", "own": "*"})

    assert project.pyrs("lock", "--json").json()["packages"] == {"lib": "1.0", "own": "2.0"}


def test_credentials_come_from_netrc_too_and_never_leave_their_host(project, home, inner, index):
    inner.wheel("lib", "1.0")
    (home / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    (home / "netrc").chmod(0o600)
    with_index(project, inner, {"lib": {"version": "*", "source": "inner"}})

    project.pyrs("install")

    assert "s3cret" not in project.lock.read_text()


@pytest.fixture
def certificates(tmp_path, monkeypatch):
    """The system's folder: empty but for the bundle; and a certificate nobody knows yet."""
    program = shutil.which("openssl")
    if not program:
        pytest.skip("needs the openssl program, to make a certificate")
    folder, key, cert = tmp_path / "certs", tmp_path / "key.pem", tmp_path / "cert.pem"
    folder.mkdir()
    (folder / "bundle.pem").write_text("")
    ask = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=test"
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]
    subprocess.run([program, *ask.split(), *more], check=True, capture_output=True)
    name = subprocess.run(
        [program, "x509", "-hash", "-noout", "-in", cert],
        check=True,
        capture_output=True,
        text=True,
    )
    (tmp_path / "both.pem").write_text(cert.read_text() + key.read_text())
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "bundle.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    return {"bundle": folder / "bundle.pem", "folder": folder / f"{name.stdout.strip()}.0"}, cert


@pytest.mark.parametrize("known", ["folder", "bundle", ""])
def test_certificates_are_found_in_the_folder_and_in_the_bundle(
    project, certificates, tmp_path, monkeypatch, known
):
    places, certificate = certificates
    with PackageIndex(certificate=str(tmp_path / "both.pem")) as secure:
        for name in ("one", "two", "three"):
            secure.wheel(name, "1.0")
        monkeypatch.setenv("PYRS_INDEX_URL", secure.url)
        project.declare(dict.fromkeys(("one", "two", "three"), "*"))
        if known:
            places[known].write_text(certificate.read_text())

        result = project.pyrs("install", expect=0 if known else 7)

    assert known or "no certificates can be read from" in result.err


def test_credentials_do_not_follow_a_redirect_to_another_host(project, index, inner, monkeypatch):
    offer = inner.wheel("lib", "1.0")
    index.offer("lib", offer)
    inner.redirects[f"/files/{offer.name}"] = f"{index.base}/files/{offer.name}"
    monkeypatch.setenv("PYRS_INDEX_INNER_TOKEN", "s3cret")
    inner.user, inner.password = "__token__", "s3cret"
    with_index(project, inner, {"lib": {"version": "*", "source": "inner"}})

    project.pyrs("install")

    assert inner.credentials and index.requests(offer.name) and not index.credentials


def test_redirect_from_https_to_http_is_refused():
    with pytest.raises(
        NetworkError, match=r"https://h/a redirects to http://h/b, which is refused"
    ):
        http._redirected("https://h/a", "http://h/b")


def test_missing_credentials_exit_7_and_say_so(project, inner):
    inner.wheel("lib", "1.0")
    with_index(project, inner, {"lib": {"version": "*", "source": "inner"}})

    error = project.pyrs("lock", expect=7).err

    assert (
        "index 'inner' answered 401 for lib" in error
        and "help: set the index's credentials" in error
    )


def test_index_from_option_environment_config_and_pip_in_that_order(
    project, index, home, monkeypatch, inner
):
    inner.user = ""
    index.wheel("lib", "1.0")
    inner.wheel("lib", "2.0")
    project.declare({"lib": "*"})

    def locked(*options):
        project.lock.unlink(missing_ok=True)
        return project.pyrs("lock", "--json", *options).json()["packages"]["lib"]

    assert locked() == "1.0"
    assert locked("--index-url", inner.url) == "2.0"
    monkeypatch.delenv("PYRS_INDEX_URL")
    (home / ".pyrs").mkdir(exist_ok=True)
    (home / ".pyrs" / "config.toml").write_text(f'index-url = "{inner.url}"\n')
    assert locked() == "2.0"
    (home / ".pyrs" / "config.toml").unlink()
    (home / ".pip").mkdir()
    (home / ".pip" / "pip.conf").write_text(f"[global]\nindex-url = {index.url}\n")
    assert locked() == "1.0"
    with_index(project, inner, {"lib": "*"})

    assert locked() == "2.0"


def test_addresses_of_a_private_mirror_do_not_get_into_the_lock(small, index):
    small.pyrs("lock")

    assert "127.0.0.1" not in small.lock.read_text()


# -- Paths, URLs, archives -------------------------------------------------------------------------


def test_archive_by_path_and_by_url(project, index, tmp_path):
    offer = index.wheel("lib", "1.0", ["leaf"])
    index.wheel("leaf", "1.0")
    (project.root / offer.name).write_bytes(offer.body)
    project.declare({"lib": {"path": f"./{offer.name}"}})
    project.pyrs("install")
    project.run("-c", "import lib")
    project.declare({"lib": {"url": f"{index.base}/files/{offer.name}"}})
    project.pyrs("install")
    project.run("-c", "import lib")
    project.declare({"lib": {"url": f"{index.base}/files/{offer.name}", "sha256": "0" * 64}})

    assert "does not have the sha256 the manifest gives" in project.pyrs("install", expect=6).err


def test_what_ended_commands_left_in_the_cache_goes(small, home):
    small.pyrs("lock")
    pages = home / ".pyrs/cache/pages"
    old, young = pages / "0123.new-1-2", pages / "4567.new-3-4"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    small.spawn("lock", "--refresh")

    assert not old.exists() and young.exists()
    assert small.lock.exists()


def test_interrupted_writing_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*names):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        http.write_atomic(tmp_path / "page", b"text")

    assert list(tmp_path.iterdir()) == []
