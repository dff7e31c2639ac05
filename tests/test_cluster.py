"""Rules on a Dask cluster: real schedulers and workers, the same bytes, whatever dies."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from generator import cluster
from generator.batch import Batch, Needs, run_batch, unfit
from generator.cluster import Cluster, checked, security_note
from generator.errors import ProgramError
from generator.rule import parse_rule
from generator.spatch import Engine, Kind, Outcome, find_spatch
from tests.conftest import RENAME, Run, Small
from tests.repositories import git
from tests.test_sources import TYPED
from tests.test_spatch import SLOW

pytestmark = pytest.mark.slow

MakeTree = Callable[..., Path]
CALL = "int f(int x)\n{\n\treturn old_call(x);\n}\n"
_LONG = 30  # seconds that a machine under load may need for what takes one


def waited(until: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    end = time.monotonic() + _LONG
    while not until():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@dataclass
class Machines:
    """A scheduler and its workers, each a process on 127.0.0.1; gone in the end."""

    place: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.place / "scheduler.json"

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text())["address"])

    def scheduler(self, *words: str) -> "subprocess.Popen[bytes]":
        child = self._start("scheduler", "--port", "0", *words)
        waited(self._is_up, "no scheduler")
        return child

    def worker(self, name: str, *words: str) -> "subprocess.Popen[bytes]":
        """A worker whose files are in a directory called ``name``."""
        local = ("--local-directory", str(self.place / name))
        return self._start("worker", "--no-nanny", "--nthreads", "1", *local, *words)

    def tasks(self, worker: str = "*", path: str = "") -> list[Path]:
        """What a worker's tasks have written out just now."""
        with contextlib.suppress(OSError):  # a directory has just gone
            return list(self.place.glob(f"{worker}/**/reroll-tree-*/files/{path}"))
        return []

    def stop(self) -> None:
        for child in reversed(self.started):
            child.kill()
            child.wait()
        for entry in Path("/proc").iterdir():  # spatch of workers that were killed
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and str(self.place) in (entry / "cmdline").read_text():
                    os.kill(int(entry.name), signal.SIGKILL)

    def _is_up(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return bool(self.address)
        return False

    def _start(self, what: str, *words: str) -> "subprocess.Popen[bytes]":
        common = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(self.file))
        line = [sys.executable, "-m", f"distributed.cli.dask_{what}", *common, *self.words, *words]
        kept = {"PATH": os.environ["PATH"], "HOME": str(self.place), "TMPDIR": str(self.place)}
        with (self.place / f"{what}.log").open("ab") as log:
            child = subprocess.Popen(
                line, cwd=self.place, env=kept | self.settings, stdout=log, stderr=log
            )
        self.started.append(child)
        return child


@contextlib.contextmanager
def machines(place: Path, **settings: str) -> Iterator[Machines]:
    place.mkdir(exist_ok=True)
    found = Machines(place, settings)
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """Two workers that live through many tests."""
    with machines(tmp_path_factory.mktemp("machines")) as found:
        found.scheduler()
        for name in ("one", "two"):
            found.worker(name)
        yield found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Machines]:
    """A scheduler for one test."""
    with machines(tmp_path / "machines") as found:
        found.scheduler()
        yield found


@pytest.fixture(autouse=True)
def nothing_is_known(hermetic_seal: Path) -> None:
    """Else the second run would find what the first one kept."""
    with (hermetic_seal / ".gitconfig").open("a") as config:
        config.write("[reroll]\n\tcache = false\n")


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    path = tmp_path / "rename.cocci"
    path.write_text(RENAME)
    return path


def on(found: Machines) -> list[str]:
    """The words for a cluster."""
    return ["--executor", "dask", "--scheduler", found.address]


MIXED = {
    "a/a.c": '#include "a.h"\nint a(struct thing *t)\n{\n\treturn old_call(t);\n}\n',
    "a/a.h": '#include "../deep/deep.h"\n',
    "deep/deep.h": "struct thing { int x; };\n",
    "b/b.c": '#include "gone.h"\nint b(struct thing *t)\n{\n\treturn old_call(t);\n}\n',
    "c/same.c": "/* old_call() */\nint c(void)\n{\n\treturn 0;\n}\n",
    "c/bad.c": "int g(void)\n{\n\tM( { old_call(a) ; ;; if ( ] );\n}\n",
    "c/a b.c": CALL,
    # Bytes that are no UTF-8, out of the diff's sight (the tests' own capture needs text).
    "c/bytes.c": b"/* \xff\xfe */"
    + b"\r\n" * 6
    + b"int h(struct thing *t)\r\n{\r\n\treturn old_call(t);\r\n}\r\n",
}


@pytest.mark.parametrize(("text", "words"), [(RENAME, []), (TYPED, ["--json"])])
def test_the_same_bytes_as_here(
    reroll: Run, tree: MakeTree, rule: Path, two: Machines, text: str, words: list[str]
) -> None:
    rule.write_text(text)
    many = {f"many/{number}.c": CALL.replace("f(", f"f{number}(") for number in range(40)}
    line = ["scan", rule, "--all", "--tree", tree(MIXED | many), *words]
    here, there = reroll(*line), reroll(*line, *on(two))
    assert there == here
    assert "a/a.c" in here.out
    assert not two.tasks()


def test_the_same_commits_as_here(reroll: Run, small: Small, two: Machines) -> None:
    assert reroll(*small.words("generate")).code == 0
    here = (small.folder / "versions/v1/manifest.json").read_bytes()
    git(small.tree, "config", "reroll.executor", "dask")
    git(small.tree, "config", "reroll.scheduler", two.address)
    done = reroll(*small.words("generate", "--force"))
    assert done.code == 0, done.err
    assert (small.folder / "versions/v1/manifest.json").read_bytes() == here


def test_errors_of_the_rule(reroll: Run, tree: MakeTree, rule: Path, two: Machines) -> None:
    """A file of a rule's own fails the same way; the workers live on."""
    rule.write_text("@@ expression E; @@\n- old_call(E)\n+ new_call(E)\n@ r @ @@\n- f(\n")
    line = ["scan", rule, "--tree", tree({"a.c": CALL})]
    assert reroll(*line, *on(two)) == reroll(*line)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--executor", "dask"], "needs the address of a Dask scheduler"),
        (["--executor", "ssh"], "--executor: 'ssh' is not one of local, dask"),
        (["--scheduler", "127.0.0.1:1"], "goes with --executor dask"),
        (
            ["--executor", "dask", "--scheduler", "http://x.example:80"],
            "'http://x.example:80' is not an address like tls://host:8786",
        ),
    ],
)
def test_bad_settings(reroll: Run, tree: MakeTree, rule: Path, words: list[str], said: str) -> None:
    done = reroll("scan", rule, "--tree", tree({"a.c": CALL}), *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_campaign_does_not_choose_where_code_runs(reroll: Run, small: Small) -> None:
    for line in ('executor = "dask"', 'scheduler = "tcp://x.example:1"'):
        text = (small.folder / "series.toml").read_text()
        (small.folder / "series.toml").write_text(f"{text}\n[settings]\n{line}\n")
        done = reroll(*small.words("generate"))
        assert done.code == 2
        assert line.split()[0] in done.err
        (small.folder / "series.toml").write_text(text)


def test_what_is_known_needs_no_cluster(
    reroll: Run, tree: MakeTree, rule: Path, hermetic_seal: Path
) -> None:
    with (hermetic_seal / ".gitconfig").open("a") as config:
        config.write("[reroll]\n\tcache = true\n")
    line = ["scan", rule, "--tree", tree({"a.c": CALL})]
    here = reroll(*line)
    assert reroll(*line, "--executor", "dask", "--scheduler", "127.0.0.1:1") == here


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("tcp://build.example:8786", True),
        ("build.example", True),
        ("tls://build.example:8786", False),
        ("tcp://127.0.0.1:8786", False),
        ("localhost:8786", False),
        ("tcp://[::1]:8786", False),
        ("tcp://[2001:db8::1]:8786", True),
    ],
)
def test_plain_traffic_over_a_network_is_warned_of(address: str, warned: bool) -> None:
    assert bool(security_note(address)) is warned


def needs(**other: str) -> Needs:
    return Needs(**{**vars(cluster._needs(find_spatch())), **other})


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, ""),
        ({"path": "/nowhere/spatch"}, ""),
        ({"reroll": "9.9"}, "has reroll 0.1.0, but 9.9 is needed"),
        ({"distributed": "9.9"}, "but 9.9 is needed"),
        ({"digest": "f" * 64, "spatch": "spatch version 9"}, "but spatch version 9 (sha256 ffff"),
    ],
)
def test_what_a_worker_must_have(other: dict[str, str], said: str) -> None:
    found = unfit(needs(**other))
    assert said in found
    assert bool(said) is bool(found)


def test_a_batch_stays_in_its_place(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    files = {"../up.c": CALL.encode(), "/tmp/x.c": b"", "a.c": CALL.encode(), "a b.c": b""}
    rule = parse_rule(RENAME, name="r")
    batch = Batch(needs(), rule, ("old_call",), 9, (*files, "gone.c"), files)
    found = {item.path: item.kind for item in run_batch(batch, find_spatch(), place)}
    assert found == {
        **dict.fromkeys(("../up.c", "/tmp/x.c", "a b.c"), Kind.REFUSED),
        "a.c": Kind.CHANGED,
        "gone.c": Kind.MISSING,
    }
    assert list(tmp_path.rglob("*")) == [place]


DIFF = b"--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-a\n+b\n"


@pytest.mark.parametrize(
    ("packed", "good"),
    [
        ({"a.c": Outcome("", Kind.CHANGED, DIFF).packed()}, True),
        ({"a.c": Outcome("", Kind.CHANGED, DIFF, (1, 3)).packed()}, True),
        ({"a.c": Outcome("", Kind.FAILED, detail="x").packed()}, True),
        ({"a.c": Outcome("", Kind.UNPARSED, b"", (1, 4)).packed()}, False),
        ({"a.c": Outcome("", Kind.UNCHANGED, DIFF).packed()}, False),
        ({"a.c": Outcome("", Kind.CHANGED).packed()}, False),
        ({"a.c": Outcome("", Kind.CHANGED, DIFF.replace(b"a.c", b"b.c")).packed()}, False),
        ({"a.c": Outcome("", Kind.CHANGED, DIFF + b"rm -rf\n").packed()}, False),
        ({"b.c": Outcome("", Kind.UNCHANGED).packed()}, False),
        ({"a.c": b"\xff"}, False),
        ({"a.c": b'["changed", [1], 3, 4]\n'}, False),
        ({"a.c": b'["odd", [], ""]\n'}, False),
        ({"a.c": "text"}, False),
        ({"a.c": None}, False),
        ({}, False),
        (None, False),
    ],
)
def test_answers_are_not_taken_on_trust(packed: object, good: bool) -> None:
    assert (checked(packed, {"a.c": 3}) is not None) is good


@contextlib.contextmanager
def fatal(
    found: Machines, workers: Mapping[str, "subprocess.Popen[bytes]"], path: str = ""
) -> Iterator[list[str]]:
    """Meanwhile, workers die as soon as they have a task (with the file ``path``)."""
    died: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            for name in workers.keys() - set(died):
                if found.tasks(name, path):
                    workers[name].kill()
                    died.append(name)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield died
    finally:
        over.set()
        watcher.join()


def test_a_worker_that_dies_in_mid_run(
    reroll: Run, tree: MakeTree, rule: Path, own: Machines
) -> None:
    files = {f"many/{number}.c": CALL.replace("f(", f"f{number}(") for number in range(40)}
    line = ["scan", rule, "--json", "--tree", tree(files)]
    here = reroll(*line)
    workers = {name: own.worker(name) for name in ("one", "two")}
    with fatal(own, {"one": workers["one"]}) as died:
        there = reroll(*line, *on(own))
    assert died == ["one"]
    assert workers["one"].poll() == -signal.SIGKILL
    assert (there.code, there.out) == (here.code, here.out)


def test_a_file_that_kills_workers_costs_itself(
    reroll: Run, tree: MakeTree, rule: Path, tmp_path: Path
) -> None:
    """It is run twice, in a batch and alone, and one of three workers lives on."""
    body = "".join(f"\tif (x > {n}) {{ y = f(x, {n}); g(y); }}\n" for n in range(40))
    slow = f"int f(int x)\n{{\n\tint y;\n{body}\treturn y;\n}}\n"
    files = {f"many/{number}.c": f"int v{number};\n" for number in range(20)}
    rule.write_text(SLOW.replace("- a\n+ b(a)", "- old_call(a)\n+ new_call(a)"))
    place = tree(files | {"many/10x.c": slow, "many/a.c": CALL})
    words = ["scan", rule, "--tree", place, "--token", "int", "--timeout", "3", "--json"]
    # A task that loses its worker is given up at once, not at the fourth time.
    given_up = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with machines(tmp_path / "machines", **given_up) as own:
        own.scheduler()
        workers = {name: own.worker(name) for name in ("one", "two", "three")}
        with fatal(own, workers, "many/10x.c") as died:
            done = reroll(*words, *on(own))
    assert len(died) == 2, done.err
    answer = json.loads(done.out)
    trouble = "many/10x.c:1: int: failed: on the Dask cluster: the workers that ran it died"
    assert trouble in answer["troubles"]
    assert not [text for text in answer["troubles"] if "failed" in text and "10x.c" not in text]
    assert "many/a.c:1: int: unexplained: used outside of a function" in answer["troubles"]


def test_a_scheduler_that_dies_in_mid_run(
    reroll: Run, tree: MakeTree, rule: Path, own: Machines, hermetic_seal: Path
) -> None:
    """One line; what came is kept."""
    with (hermetic_seal / ".gitconfig").open("a") as config:
        config.write("[reroll]\n\tcache = true\n")
    files = {f"many/{number}.c": CALL.replace("f(", f"g{number}(") for number in range(40)}
    line = ["scan", rule, "--json", "--tree", tree(files)]
    worker = own.worker("one")
    with fatal(own, {"one": own.started[0]}) as died:
        done = reroll(*line, *on(own))
    assert died == ["one"]
    assert (done.code, done.out) == (4, "")
    assert "the Dask scheduler at tcp://127.0.0.1:" in done.err
    assert " is lost: " in done.err
    assert "hint: start again: results that came are kept" in done.err
    assert "Traceback" not in done.err
    assert worker.poll() is None


def test_nobody_answers(
    reroll: Run, tree: MakeTree, rule: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT", 0.5)
    line = ["scan", rule, "--tree", tree({"a.c": CALL}), "--executor", "dask"]
    done = reroll(*line, "--scheduler", "127.0.0.1:1")
    assert (done.code, done.out) == (4, "")
    assert "cannot reach a Dask scheduler at 127.0.0.1:1: " in done.err
    assert len(done.err.splitlines()) == 2


def test_no_workers(
    reroll: Run,
    tree: MakeTree,
    rule: Path,
    own: Machines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 1.5)
    done = reroll("scan", rule, "--tree", tree({"a.c": CALL}), *on(own))
    assert (done.code, done.out) == (4, "")
    assert "note: waiting for workers of the Dask scheduler" in done.err
    assert "has no workers" in done.err


UNFIT = {
    "hidden": ("import sys\nsys.modules['generator'] = None\n", "has no reroll that it could use"),
    "another": (
        "from generator import batch\nbatch.digest = lambda path: 'f' * 64\n",
        "(sha256 ffffffffffff), but spatch version",
    ),
}


@pytest.mark.parametrize("how", ["another", pytest.param("hidden", marks=pytest.mark.slow)])
def test_a_worker_that_would_give_other_bytes(
    reroll: Run, tree: MakeTree, rule: Path, own: Machines, how: str
) -> None:
    text, said = UNFIT[how]
    (own.place / "unfit.py").write_text(text)
    own.worker("one", "--preload", str(own.place / "unfit.py"))
    done = reroll("scan", rule, "--tree", tree({"a.c": CALL}), *on(own))
    assert (done.code, done.out) == (4, "")
    assert "reroll: the worker tcp://127.0.0.1:" in done.err
    assert said in done.err
    assert "Traceback" not in done.err


class Given:
    """Files that are all there."""

    root = Path("/")

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents

    def write_out(self, _paths: object, /) -> None:
        raise AssertionError

    def contents(self, _paths: object, /) -> Mapping[str, bytes]:
        return self._contents


def test_a_worker_that_comes_later_is_asked_as_well(own: Machines) -> None:
    (own.place / "unfit.py").write_text(UNFIT["another"][0])
    outcomes: list[Outcome] = []
    rule = parse_rule(RENAME, name="r")
    first = own.worker("one")
    run = (Given({"a.c": CALL.encode()}), ["a.c"], ["old_call"], outcomes.extend, lambda: None)
    with (
        contextlib.closing(Cluster(own.address, lambda _: None)) as executor,
        Engine(find_spatch(), rule, timeout=9, jobs=1) as engine,
    ):
        executor.run(engine, *run)
        assert [item.kind for item in outcomes] == [Kind.CHANGED]
        first.kill()
        own.worker("two", "--preload", str(own.place / "unfit.py"))
        with pytest.raises(ProgramError, match="sha256 ffff"):
            executor.run(engine, *run)


def test_interrupted(tree: MakeTree, rule: Path, own: Machines) -> None:
    """What was under way is taken back; nothing but our own words is said."""
    files = {f"many/{number}.c": CALL.replace("f(", f"f{number}(") for number in range(300)}
    place = tree(files)
    own.worker("one")
    line = [sys.executable, "-m", "series.cli", "scan", str(rule), "--tree", str(place), *on(own)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        waited(own.tasks, "no task")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=_LONG)
    assert (child.returncode, out) == (130, b"")
    assert err.splitlines()[-1] == b"reroll: interrupted; nothing was left half done"
    waited(lambda: not own.tasks(), "a task goes on")
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert done.stderr == "sites of old_call: 300 = 300 converted\n"


def certificates(place: Path) -> dict[str, str]:
    """A CA of our own, and Dask's settings for a certificate of it for all."""
    place.mkdir(exist_ok=True)
    subject = ["-subj", "/CN=cluster.example", "-nodes", "-newkey", "rsa:2048"]
    names = "subjectAltName=IP:127.0.0.1"

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=place, check=True, capture_output=True)

    openssl("req", "-x509", "-days", "2", *subject, "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", *subject, "-keyout", "key.pem", "-out", "request.pem")
    (place / "names").write_text(names + "\n")
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
    openssl("x509", "-req", "-days", "2", "-in", "request.pem", *signed, "-out", "cert.pem")
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    found = {f"{tls}CA_FILE": str(place / "ca.pem")}
    for role in ("CLIENT", "WORKER", "SCHEDULER"):
        found[f"{tls}{role}__CERT"] = str(place / "cert.pem")
        found[f"{tls}{role}__KEY"] = str(place / "key.pem")
    return found


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_tls(tree: MakeTree, rule: Path, tmp_path: Path) -> None:
    settings = certificates(tmp_path)
    line = [
        sys.executable,
        "-m",
        "series.cli",
        "scan",
        str(rule),
        "--tree",
        str(tree({"a.c": CALL})),
    ]
    with machines(tmp_path / "machines", **settings) as own:
        own.scheduler("--protocol", "tls")
        own.worker("one", "--protocol", "tls")
        line += on(own)
        assert own.address.startswith("tls://127.0.0.1:")
        done = subprocess.run(
            line, capture_output=True, text=True, env=os.environ | settings, check=True
        )
        without = subprocess.run(line, capture_output=True, text=True, check=False)
    assert "new_call(x)" in done.stdout
    assert done.stderr == "sites of old_call: 1 = 1 converted\n"
    assert (without.returncode, without.stdout) == (4, "")
    assert "tls:// needs Dask's settings for TLS, and there are none" in without.stderr
    assert len(without.stderr.splitlines()) == 2


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_a_stranger_s_certificate(tree: MakeTree, rule: Path, tmp_path: Path) -> None:
    own, other = certificates(tmp_path / "own"), certificates(tmp_path / "other")
    place = str(tree({"a.c": CALL}))
    line = [sys.executable, "-m", "series.cli", "scan", str(rule), "--tree", place]
    with machines(tmp_path / "machines", **own) as found:
        found.scheduler("--protocol", "tls")
        words = [*line, *on(found)]
        done = subprocess.run(
            words, capture_output=True, text=True, env=os.environ | other, check=False
        )
    assert (done.returncode, done.stdout) == (4, "")
    assert "cannot reach a Dask scheduler at tls://127.0.0.1:" in done.stderr
    assert len(done.stderr.splitlines()) == 2
