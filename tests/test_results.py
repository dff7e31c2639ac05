"""The store of results: it may forget, and it is never wrong and never in the way."""

import fcntl
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from hashlib import sha256, shake_256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator import result_file
from generator.results import NoResults, Results, Verdict, default_place
from tests.conftest import Run, Small
from tests.repositories import git

ROOT = Path(__file__).parents[1]
DAY = 86400
SOME = {sha256(b"%d" % number).digest(): b"value %d" % number * 30 for number in range(200)}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache/reroll"


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test cuts the power."""
    monkeypatch.setattr(result_file, "SYNCHRONOUS", "OFF")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    place = tmp_path_factory.mktemp("filled")
    with Results(place) as results:
        results.put(SOME)
    return (place / result_file.NAME).read_bytes()


@pytest.fixture
def filled(place: Path, content: bytes) -> Path:
    """A place whose file holds ``SOME``."""
    place.mkdir(parents=True)
    (place / result_file.NAME).write_bytes(content)
    return place


def key(number: int) -> bytes:
    return sha256(b"key %d" % number).digest()


def noise(seed: int, length: int) -> bytes:
    return shake_256(b"%d" % seed).digest(length)


def run_python(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=ROOT, capture_output=True, text=True
    )


def test_place_follows_the_xdg_specification(
    hermetic_seal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_place() == hermetic_seal / ".cache/reroll"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_place() == hermetic_seal / ".cache/reroll"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_place() == Path("/somewhere/reroll")


def test_what_was_put_is_found_by_the_next_run(place: Path) -> None:
    values = [b"", b"x", b"long and dull " * 5000, noise(1, 100_000)]
    items = {key(number): value for number, value in enumerate(values)}
    with Results(place) as results:
        assert not results.get(items)
        results.put(items)
        assert results.get([*items, key(99)]) == items
    with Results(place) as results:
        assert results.get(items) == items
        found = results.statistics()
        assert (found.entries, results.problem) == (4, "")
    assert found.size < 200_000  # what is dull was compressed


def test_nothing_is_made_without_a_question(place: Path) -> None:
    with Results(place) as results:
        assert results.statistics().entries == 0
        results.clear()
        assert results.verify() == Verdict(0, 0, anew=False)
    assert not place.parent.exists()


def test_a_closed_store_and_none_at_all_know_nothing(filled: Path) -> None:
    results = Results(filled)
    results.close()
    with NoResults() as none:
        for store in (results, none):
            store.put(SOME)
            assert not store.get(SOME)
            assert store.problem == ""


def test_other_users_see_nothing(place: Path) -> None:
    place.mkdir(parents=True)
    place.chmod(0o755)
    with Results(place) as results:
        results.put(SOME)
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in place.iterdir()}
    assert f"{result_file.NAME}-wal" in modes
    assert set(modes.values()) == {0o600}


def test_a_changed_bit_is_a_miss(filled: Path) -> None:
    file = filled / result_file.NAME
    (name, value), *_ = SOME.items()
    content = bytearray(file.read_bytes())
    content[content.index(value[:20]) + 5] ^= 1
    file.write_bytes(content)
    with Results(filled) as results:
        found = results.get(SOME)
        assert found == {k: v for k, v in SOME.items() if k != name}
        assert results.statistics().entries == len(SOME) - 1
        results.put({name: value})
        assert results.get(SOME) == SOME


def test_a_value_under_another_key_is_a_miss(filled: Path) -> None:
    (one, _), (two, _), *_ = SOME.items()
    with sqlite3.connect(filled / result_file.NAME) as connection:
        connection.execute(
            "UPDATE entries SET value = (SELECT value FROM entries WHERE key = ?) WHERE key = ?",
            [one, two],
        )
        connection.execute("UPDATE entries SET value = 'text', used = 'x' WHERE key = ?", [one])
    connection.close()
    with Results(filled) as results:
        assert results.verify() == Verdict(len(SOME) - 2, 2, anew=False)
        assert results.get(SOME) == {k: v for k, v in SOME.items() if k not in (one, two)}


def _zero(start: int, length: int) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        with file.open("r+b") as stream:
            stream.seek(start)
            stream.write(bytes(length))

    return damage


def _truncate(length: int) -> Callable[[Path], None]:
    return lambda file: os.truncate(file, length)


def _other_layout(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def _more_than_ours(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE TRIGGER evil AFTER INSERT ON entries BEGIN DELETE FROM entries; END"
        )
    connection.close()


def _foreign_database(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE letters (text)")
    connection.close()


def _fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _directory(file: Path) -> None:
    file.unlink()
    file.mkdir()
    (file / "letter").touch()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": _truncate(0),
    "a header and no more": _truncate(100),
    "half a page": _truncate(2048),
    "half the file": _truncate(40960),
    "no header": _zero(0, 100),
    "no tables": _zero(0, 4096),
    "zeroed pages": _zero(16384, 32768),
    "zeroed": _zero(0, 1 << 17),
    "random": lambda file: file.write_bytes(noise(2, 100_000)),
    "random pages": lambda file: file.write_bytes(file.read_bytes()[:8192] + noise(3, 90_000)),
    "tables without a name": lambda file: file.write_bytes(
        file.read_bytes().replace(b"TABLE entries (id", b"TABLE \xcb\xff\xfe (((((")
    ),
    "text": lambda file: file.write_text("not a database\n" * 999),
    "other layout": _other_layout,
    "more than ours": _more_than_ours,
    "foreign database": _foreign_database,
    "directory": _directory,
    "missing": Path.unlink,
    "fifo": _fifo,
}


MANY = ("half the file", "zeroed pages", "random pages", "text")


@pytest.mark.parametrize(
    ("name", "first"),
    [
        *((name, "get") for name in DAMAGES),
        *((name, first) for name in MANY for first in ("put", "verify", "statistics")),
    ],
)
def test_a_damaged_file_is_begun_anew(filled: Path, name: str, first: str) -> None:
    DAMAGES[name](filled / result_file.NAME)
    with Results(filled) as results:
        if first == "put":
            results.put({key(1): b"one"})
        elif first == "get":
            assert results.get(SOME).items() <= SOME.items()
        else:
            getattr(results, first)()
        results.put(SOME)
        results.put({key(1): b"one"})
        assert results.get([*SOME, key(1)]) == SOME | {key(1): b"one"}
        assert results.verify().dropped == 0
    with Results(filled) as results:
        assert results.get([*SOME, key(1)]) == SOME | {key(1): b"one"}
        assert results.problem == ""


@pytest.mark.parametrize("name", ["text", "foreign database", "directory"])
def test_what_is_not_ours_is_set_aside(filled: Path, name: str) -> None:
    file = filled / result_file.NAME
    DAMAGES[name](file)
    before = file.read_bytes() if file.is_file() else b""
    with Results(filled) as results:
        results.put(SOME)
        aside = filled / "set-aside"
        assert (aside.read_bytes() if before else b"") == before
        assert before or (aside / "letter").exists()
        results.clear()
    assert aside.exists() is not bool(before)  # a directory is more than we remove


def test_links_are_not_followed(filled: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter"
    letter.write_text("dear")
    for link in (Path.symlink_to, Path.hardlink_to):
        file = filled / result_file.NAME
        file.unlink()
        link(file, letter)
        with Results(filled) as results:
            results.put(SOME)
            assert results.get(SOME) == SOME
        assert letter.read_text() == "dear"
    (filled / result_file.LOCK).unlink()
    (filled / result_file.LOCK).symlink_to(letter)
    with Results(filled) as results:
        assert not results.get(SOME)
        assert "symbolic links" in results.problem


def test_a_file_that_others_use_is_not_replaced(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_file, "PATIENCE", 0.05)
    with Results(filled) as other:
        assert other.get(SOME) == SOME
        _zero(16384, 32768)(filled / result_file.NAME)
        with Results(filled) as results:
            assert results.verify() == Verdict(0, 0, anew=True)
            results.put(SOME)
            assert not results.get(SOME)
        assert results.problem.startswith(f"{filled}: it was d")
    with Results(filled) as results:
        results.verify()
        results.put(SOME)
        assert results.get(SOME) == SOME


def test_the_least_recently_used_go(place: Path) -> None:
    now = 10 * DAY
    limit = 1 << 20
    batches = [
        {key(100 * batch + number): noise(number, 600) for number in range(100)}
        for batch in range(30)
    ]
    for batch in batches:
        with Results(place, limit=limit, clock=iter(range(now, now + 9)).__next__) as results:
            results.put(batch)
            assert results.get(batches[0]) == batches[0]
            assert results.statistics().size <= limit
        now += 2 * DAY
    with Results(place, limit=limit, clock=lambda: now) as results:
        assert not results.get(batches[1])
        for batch in (batches[0], *batches[-10:]):
            assert results.get(batch) == batch
    assert (place / result_file.NAME).stat().st_size <= limit
    with Results(place, limit=limit // 4, clock=lambda: now) as results:
        results.put({key(1): b"one"})  # fewer, once the limit is lower
        assert 0 < results.statistics().size <= limit // 4
        assert results.get([key(1)])
    assert (place / result_file.NAME).stat().st_size <= limit // 4


def test_what_is_larger_than_the_store_is_not_kept(place: Path) -> None:
    items = {key(number): noise(number, 90_000) for number in range(40)}
    with Results(place, limit=1 << 20) as results:
        results.put({key(99): bytes(200_000), key(98): b"small"})
        assert results.get([key(98), key(99)]) == {key(98): b"small"}
        results.put(items)
        assert results.get(items).items() <= items.items()
        assert results.statistics().size <= 1 << 20
        assert results.problem == ""


def test_a_use_is_written_once_a_day(place: Path) -> None:
    now = float(10 * DAY)
    file = place / result_file.NAME

    def used_after(seconds: float) -> int | None:
        nonlocal now
        now += seconds
        with Results(place, clock=lambda: now) as results:
            assert results.get(SOME) == SOME
        with Results(place, clock=lambda: now) as results:
            return results.statistics().oldest

    with Results(place, clock=lambda: now) as results:
        results.put(SOME)
    before = file.read_bytes()
    assert used_after(DAY / 2) == 10 * DAY
    assert file.read_bytes() == before
    assert used_after(DAY) == 11.5 * DAY
    assert used_after(-5 * DAY) == 6.5 * DAY  # the clock was wrong


def test_a_file_in_the_place_of_the_directory(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("dear")
    for where in (place, place / "deeper"):
        with Results(where) as results:
            results.put(SOME)
            assert not results.get(SOME)
            assert results.problem.endswith(": Not a directory")
    assert place.read_text() == "dear"


def test_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Results(Path("~/.cache/reroll")) as results:
        results.put(SOME)
        assert not results.get(SOME)
    assert "there is no home directory" in results.problem
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written(filled: Path) -> None:
    filled.chmod(0o500)
    with Results(filled) as results:
        results.get(SOME)
        results.put({key(1): b"one"})
        assert results.problem
    filled.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_the_directory_of_another_user(filled: Path) -> None:
    os.chown(filled, 65534, 65534)
    with Results(filled) as results:
        assert not results.get(SOME)
    assert results.problem.endswith("the directory belongs to another user")


def test_a_full_disk(filled: Path) -> None:
    size = (filled / result_file.NAME).stat().st_size
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom random import randbytes\n"
        "from generator.results import Results\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 50_000}, {size + 50_000}))\n"
        "with Results(Path(sys.argv[1])) as results:\n"
        "    results.put({randbytes(32): randbytes(400_000)})\n"
        f"    print(len(results.get([bytes.fromhex('{next(iter(SOME)).hex()}')])))\n"
        "    results.put({bytes(32): bytes(32)})\n"
        "print(results.problem)\n"
    )
    done = run_python(code, filled)
    assert done.stdout.startswith(f"1\n{filled}: ")
    assert done.stderr == ""
    with Results(filled) as results:
        assert results.verify() == Verdict(len(SOME), 0, anew=False)


def test_a_python_without_sqlite(filled: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nsys.modules['_sqlite3'] = None\n"
        "from generator.results import Results\n"
        "with Results(Path(sys.argv[1])) as results:\n"
        "    results.put({bytes(32): b'x'})\n"
        "    print(results.get([bytes(32)]), results.problem)\n"
    )
    done = run_python(code, filled)
    assert done.stdout.startswith("{} ")
    assert done.stdout.endswith("this Python has no sqlite3\n")


def test_a_lock_that_stays(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_file, "PATIENCE", 0.05)
    other = sqlite3.connect(filled / result_file.NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Results(filled) as results:
        results.put({key(1): b"one"})
        assert results.get([key(1), *SOME]) == SOME  # a writer is in nobody's way who reads
        assert results.problem.endswith("another program has locked it")
        other.execute("ROLLBACK")
        results.put({key(1): b"one"})
        assert results.get([key(1)])
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        for _ in range(50):
            results.put({key(2): b"two"})
        assert time.monotonic() - started < 1  # at some time it stops waiting
    other.close()


def test_threads_share_a_store(place: Path) -> None:
    wrong: list[object] = []

    def work(start: int, results: Results) -> None:
        for number in range(start, start + 40):
            item = {key(number): b"%d" % number * 300}
            results.put(item)
            if results.get([*item, key(number + 1)]).get(key(number)) != item[key(number)]:
                wrong.append(number)

    with Results(place) as results:
        threads = [threading.Thread(target=work, args=(20 * n, results)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (wrong, results.problem) == ([], "")
        assert results.verify() == Verdict(140, 0, anew=False)


# Puts what a key says, over and over; finds nothing else.
WRITER = """
import sys
from hashlib import sha256
from pathlib import Path
from generator import result_file
from generator.results import Results

result_file.SYNCHRONOUS = "OFF"
place, seed, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with Results(place, limit=int(sys.argv[4])) as results:
    for number in range(rounds):
        items = {}
        for one in range(40):
            key = sha256(b"%d" % ((seed * 13 + number) * 20 + one)).digest()
            items[key] = key.hex().encode() * (1 + key[0] // 8)
        results.put(items)
        found = results.get(items)
        assert all(found[key] == items[key] for key in found), "a wrong value"
        print(len(found), flush=True)
print(results.problem, file=sys.stderr)
"""


def writer(place: Path, seed: int, rounds: int, limit: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WRITER, str(place), str(seed), str(rounds), str(limit)]
    return subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("limit", [1 << 30, 1 << 20])
def test_eight_processes_at_once(place: Path, limit: int) -> None:
    children = [writer(place, seed, 8, limit) for seed in range(8)]
    for child in children:
        said, complaints = child.communicate()
        assert (child.returncode, complaints) == (0, "\n")
        if limit == 1 << 30:
            assert said.split() == ["40"] * 8
    with Results(place, limit=limit) as results:
        verdict = results.verify()
        assert verdict.good > 100
        assert (verdict.dropped, verdict.anew, results.problem) == (0, False, "")


@pytest.mark.slow
def test_killed_at_any_moment(place: Path) -> None:
    moments = iter(noise(4, 10))
    for seed in range(5):
        children = [writer(place, seed + number, 10**9, 1 << 20) for number in range(2)]
        for child in children:
            assert child.stdout
            if seed % 2:  # else the making of the file, perhaps, is what it dies in
                child.stdout.readline()
            time.sleep(0.02 + next(moments) / 2500)
            child.send_signal(signal.SIGKILL)
            child.communicate()
        with Results(place, limit=1 << 20) as results:
            verdict = results.verify()
            assert (verdict.dropped, verdict.anew, results.problem) == (0, False, "")
            results.put(SOME)
            assert results.get(SOME) == SOME


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.dictionaries(st.integers(0, 9), st.binary(max_size=900))),
        st.tuples(st.just("get"), st.lists(st.integers(0, 9))),
        st.tuples(st.just("reopen"), st.none()),
        st.tuples(st.just("verify"), st.none()),
        st.tuples(st.just("clear"), st.none()),
        st.tuples(
            st.just("damage"),
            st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=300)),
        ),
        st.tuples(st.just("truncate"), st.floats(0, 1)),
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(STEPS)
def test_it_is_a_dictionary_that_may_forget(steps: list[tuple[str, object]]) -> None:
    with TemporaryDirectory() as folder:
        model: dict[int, bytes] = {}
        whole = True  # nothing was damaged since the dictionary was empty
        file = Path(folder) / result_file.NAME
        results = Results(Path(folder))
        for what, how in steps:
            if what == "put":
                assert isinstance(how, dict)
                # One key has one value, by construction.
                new: dict[int, bytes] = how | {n: model[n] for n in how if n in model}
                model |= new
                results.put({key(number): value for number, value in new.items()})
            elif what == "get":
                assert isinstance(how, list)
                known = {key(n): model[n] for n in how if n in model}
                found = results.get(map(key, how))
                assert found == known if whole else found.items() <= known.items()
            elif what == "clear":
                results.clear()
                model, whole = {}, True
            elif what == "verify":
                verdict = results.verify()
                assert not whole or verdict == Verdict(len(model), 0, anew=False)
            else:
                results.close()
                if what != "reopen" and file.exists():
                    whole = False
                    _harm(file, what, how)
                results = Results(Path(folder))
        results.close()


def _harm(file: Path, what: str, how: object) -> None:
    content = bytearray(file.read_bytes())
    if what == "truncate":
        assert isinstance(how, float)
        del content[int(how * len(content)) :]
    else:
        assert isinstance(how, tuple)
        where = int(how[0] * len(content))
        content[where : where + len(how[1])] = how[1]
    file.write_bytes(content)


@pytest.fixture
def own(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the store that the verb is about, this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(place.parent))
    return place


def test_the_verb_shows_verifies_and_clears(reroll: Run, own: Path) -> None:
    assert reroll("cache").out == f"place:   {own}\nentries: 0\nsize:    0.0 MB of 1024.0 MB\n"
    with Results(own, clock=lambda: 1_600_000_000.0) as results:
        results.put(SOME)
    done = reroll("cache")
    assert (done.code, done.err) == (0, "")
    assert "entries: 200\n" in done.out
    assert "oldest:  last used 2020-09-13\n" in done.out
    answer = json.loads(reroll("cache", "--json").out)
    size = answer.pop("size")
    assert 20_000 < size < 200_000
    assert answer == {
        "place": str(own),
        "enabled": True,
        "entries": 200,
        "limit": 1 << 30,
        "oldest": 1_600_000_000,
        "builds": [],
    }
    done = reroll("cache", "--verify")
    assert (done.code, done.out.splitlines()[-1]) == (0, "checked: 200 good, 0 damaged and removed")
    done = reroll("cache", "--clear")
    assert (done.code, done.out.splitlines()[1]) == (0, "entries: 0")


def test_the_verb_shows_and_removes_builds(reroll: Run, own: Path) -> None:
    idle, busy, other = (own / "build" / name for name in ("0" * 16, "1" * 16, "other"))
    for place in (idle, busy, other):
        (place / "source/mm").mkdir(parents=True)
        (place / "source/mm/gup.c").write_bytes(bytes(3 << 20))
        (place / "lock").touch()
    with (busy / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        builds = json.loads(reroll("cache", "--json").out)["builds"]
        assert builds == [
            {"place": str(idle), "size": 3 << 20, "busy": False},
            {"place": str(busy), "size": 3 << 20, "busy": True},
        ]
        assert f"build:   {busy} (0.0 GB, in use)\n" in reroll("cache").out
        done = reroll("cache", "--clear")
    assert done.code == 0
    assert str(idle) not in done.out
    assert (idle.exists(), busy.exists(), other.exists()) == (False, True, True)


def test_the_verb_says_what_is_damaged(reroll: Run, own: Path) -> None:
    with Results(own) as results:
        results.put(SOME)
    with sqlite3.connect(own / result_file.NAME) as connection:
        connection.execute("UPDATE entries SET value = x'00' WHERE id < 4")
    connection.close()
    done = reroll("cache", "--verify")
    assert (done.code, done.out.splitlines()[-1]) == (1, "checked: 197 good, 3 damaged and removed")
    assert reroll("cache", "--verify").code == 0
    _zero(16384, 32768)(own / result_file.NAME)
    done = reroll("cache", "--verify")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "it was damaged, and is begun anew" in done.err
    assert json.loads(reroll("cache", "--json", "--verify").out)["verified"] == {
        "good": 0,
        "dropped": 0,
        "anew": False,
    }


def test_settings_of_the_store(reroll: Run, small: Small, own: Path) -> None:
    def ask(name: str, value: str) -> dict[str, object]:
        git(small.tree, "config", f"reroll.{name}", value)
        answer = json.loads(reroll("-C", small.tree, "cache", "--json").out)
        assert isinstance(answer, dict)
        return answer

    assert ask("cacheLimit", "20M")["limit"] == 20 << 20
    assert ask("cacheLimit", "2g")["limit"] == 2 << 30
    assert ask("cache", "off")["enabled"] is False
    assert "switched off by git config reroll.cache\n" in reroll("-C", small.tree, "cache").out
    for name, value, said in (
        ("cacheLimit", "1000", "is not a size from 1m on, like 500m or 2g"),
        ("cacheLimit", "lots", "is not a size from 1m on, like 500m or 2g"),
        ("cache", "maybe", "is not true or false"),
    ):
        git(small.tree, "config", f"reroll.{name}", value)
        done = reroll("-C", small.tree, "cache")
        config = f"git config reroll.{name.lower()}"
        assert (done.code, done.err) == (2, f"reroll: {config}: '{value}' {said}\n")
        git(small.tree, "config", "--unset", f"reroll.{name}")
