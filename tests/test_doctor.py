"""``reroll doctor``: what is there, what is missing, and the command that mends it."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RENAME, Run
from tests.repositories import git
from tests.smtp import without_mail_address

MakeTree = Callable[..., Path]
_LINUX = {
    "MAINTAINERS": "THE REST\n",
    "Makefile": "VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 223\n",
    "scripts/checkpatch.pl": "",
    "scripts/get_maintainer.pl": "",
    "scripts/kernel-doc": "",
}


def _configure(home: Path, text: str) -> None:
    with (home / ".gitconfig").open("a") as file:
        file.write(text)


def _only(place: Path, *programs: str) -> str:
    """A PATH with these programs and no more."""
    place.mkdir()
    for name in programs:
        (place / name).symlink_to(shutil.which(name) or "/nowhere")
    return str(place)


def _row(text: str, name: str) -> str:
    """The row of ``name`` in the table, with its commands, in one line."""
    rows = text.replace("\n           ", " ").splitlines()
    return " ".join(next(row for row in rows if f" {name} " in row).split())


def _files(place: Path) -> dict[str, int]:
    return {str(one): one.lstat().st_mtime_ns for one in place.rglob("*")}


def test_all_is_there_and_nothing_is_written(reroll: Run, tree: MakeTree, tmp_path: Path) -> None:
    linux = tree(_LINUX)
    git(linux, "commit", "-q", "--allow-empty", "-m", "one more")
    before = _files(tmp_path)
    done = reroll("--tree", linux, "doctor")
    assert (done.code, done.err) == (0, "")
    assert _files(tmp_path) == before
    assert max(map(len, done.out.splitlines())) <= 80
    assert _row(done.out, "Linux tree").startswith("ok Linux tree 5.10.223: /")
    assert _row(done.out, "git identity").endswith("Ada Developer <ada@example.org>")
    assert _row(done.out, "history") == "ok history whole"
    assert "all that is needed is there" in done.out


def test_json(reroll: Run, tree: MakeTree) -> None:
    done = reroll("--tree", tree(_LINUX), "--json", "doctor")
    told = json.loads(done.out)
    assert (done.code, told["format"], told["ok"]) == (0, 1, True)
    found = {one["name"]: one for one in told["findings"]}
    assert found["git"]["state"] == "ok"
    assert found["git"]["needed"]
    assert found["signing key"] == {
        "name": "signing key",
        "state": "missing",
        "text": "none is set: mails go unsigned",
        "needed": False,
        "serves": "signed mails",
        "mend": ["patatt genkey"],
    }


def test_a_bare_machine(reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", _only(tmp_path / "bin"))
    done = reroll("doctor")
    assert (done.code, done.err) == (1, "")
    assert _row(done.out, "git") == "MISSING git not in PATH $ apt install git"
    assert _row(done.out, "perl").endswith("$ apt install perl")
    assert _row(done.out, "compiler").endswith("$ apt install make")
    assert _row(done.out, "sparse").endswith("$ apt install sparse")
    assert "needed and not there: git;" in done.out


def test_a_git_config_that_git_cannot_read(reroll: Run, hermetic_seal: Path) -> None:
    _configure(hermetic_seal, "[user\n")
    done = reroll("doctor")
    row = _row(done.out, "git")
    assert "bad config line" in row
    assert row.endswith(f"$ ${{EDITOR:-vi}} {hermetic_seal}/.gitconfig")
    assert "reinstall" not in row
    assert done.code == 1


def test_a_place_for_temporary_files_that_is_passed_over(
    reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    done = reroll("doctor")
    row = _row(done.out, "temporary files").replace(" ", "")
    told = f"wrong temporary files {tmp_path}/nowhere of TMPDIR cannot be written to; they go to /"
    assert row.startswith(told.replace(" ", ""))
    assert row.endswith("$unsetTMPDIR")
    assert done.code == 0


def test_no_place_for_temporary_files(
    reroll: Run, tree: MakeTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linux = tree({"one.c": "int f(void) { return old_call(1); }\n"})
    (tmp_path / "rename.cocci").write_text(RENAME)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    done = reroll("doctor")
    assert "MISSING temporary files No usable temporary" in _row(done.out, "temporary files")
    assert done.code == 1
    done = reroll("--tree", linux, "scan", tmp_path / "rename.cocci")
    assert (done.code, done.out) == (4, "")
    assert done.err == (
        "reroll: No usable temporary directory found in ['/nowhere']: "
        "set TMPDIR to a directory with room for files\n"
    )


def test_git_does_not_know_the_user(
    reroll: Run, hermetic_seal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hermetic_seal / ".gitconfig").write_text("[user]\n\tname = Ada\n")
    monkeypatch.setenv("EMAIL", "")
    monkeypatch.chdir(hermetic_seal)  # not in a repository with a user of its own
    done = reroll("doctor")
    assert done.code == 1
    row = _row(done.out, "git identity")
    assert row.startswith("MISSING")
    assert row.endswith("$ git config --global user.email you@example.org")
    assert "user.name" not in row


def test_no_send_email(reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", _only(tmp_path / "bin", "git"))
    monkeypatch.setenv("GIT_EXEC_PATH", str(tmp_path))
    done = reroll("doctor")
    assert done.code == 1
    row = _row(done.out, "git send-email")
    assert row == ("MISSING git send-email not installed $ apt install git-email libmailtools-perl")


def test_send_email_without_what_debian_only_recommends(
    reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITPERLLIB", str(without_mail_address(tmp_path / "perl")))
    done = reroll("doctor")
    assert done.code == 1
    row = _row(done.out, "git send-email")
    assert row == (
        "WRONG git send-email perl has no module Mail::Address $ apt install libmailtools-perl"
    )


def test_send_email_refuses_its_settings(reroll: Run, hermetic_seal: Path) -> None:
    _configure(hermetic_seal, "[sendemail]\n\tsuppressCc = everybody\n")
    done = reroll("doctor")
    assert done.code == 1
    row = _row(done.out, "git send-email")
    assert row.startswith("WRONG git send-email Unknown --suppress-cc field: 'everybody'")
    assert row.endswith("$ git config --get-regexp '^sendemail'")


def test_a_spatch_that_is_not_there(reroll: Run, hermetic_seal: Path) -> None:
    _configure(hermetic_seal, "[reroll]\n\tspatch = /nowhere/spatch\n")
    done = reroll("doctor")
    assert done.code == 1
    row = _row(done.out, "spatch")
    assert row.startswith("WRONG spatch '/nowhere/spatch' is not installed")
    assert row.endswith("$ git config --global --unset reroll.spatch")


def test_no_scripts_in_rules(reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", _only(tmp_path / "bin", "git"))
    row = _row(reroll("doctor").out, "spatch scripts")
    assert row.startswith("missing")
    assert row.endswith("$ apt install coccinelle")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            "smtpServer = mail.example.org\n\tsmtpServerPort = 465\n\tsmtpEncryption = ssl\n"
            "\tsmtpUser = ada\n\tsmtpPass = secret",
            "ok mail server mail.example.org:465 (ssl, as ada)",
        ),
        (
            'identity = work\n[sendemail "work"]\n\tsmtpServer = mail.work.example',
            "ok mail server mail.work.example (no encryption)",
        ),
        (
            "smtpServer = /nowhere/msmtp",
            "wrong mail server sendemail.smtpServer: '/nowhere/msmtp' cannot be run "
            "(for 'reroll send') $ git config --global --edit # correct sendemail.smtpServer",
        ),
        ("sendmailCmd = git --token secret", "ok mail server git (sendemail.sendmailCmd)"),
    ],
)
@pytest.mark.slow
def test_mail_servers(reroll: Run, hermetic_seal: Path, config: str, told: str) -> None:
    _configure(hermetic_seal, f"[sendemail]\n\t{config}\n")
    done = reroll("doctor")
    assert _row(done.out, "mail server") == told
    assert "secret" not in done.out + reroll("--json", "doctor").out


def test_no_mail_server(reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("series.doctor_mail._SENDMAIL_FOLDERS", ())
    monkeypatch.setenv("PATH", _only(tmp_path / "bin", "git"))
    row = _row(reroll("doctor").out, "mail server")
    assert "$ git config --global sendemail.smtpServer mail.example.org" in row


def test_no_tree_is_named(reroll: Run) -> None:
    done = reroll("doctor")
    assert done.code == 0
    assert _row(done.out, "Linux tree").endswith("$ git config --global reroll.tree ~/linux")


@pytest.mark.slow
def test_trees_that_are_none(reroll: Run, tree: MakeTree, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for place, why in (
        (tmp_path / "nowhere", "there is no such directory"),
        (tmp_path / "empty", "is not a git repository"),
        (tree({"README": "other\n"}), "is not a Linux tree"),
    ):
        done = reroll("--tree", place, "doctor")
        assert done.code == 1
        row = _row(done.out, "Linux tree")
        assert row.startswith("WRONG")
        assert why in row


def test_a_tree_of_one_commit(reroll: Run, tree: MakeTree) -> None:
    done = reroll("--tree", tree(_LINUX), "doctor")
    assert _row(done.out, "history").startswith("missing history HEAD has no parent")
    assert done.code == 0


def test_a_shallow_tree_without_scripts(reroll: Run, tree: MakeTree, tmp_path: Path) -> None:
    files = {name: _LINUX[name] for name in ("MAINTAINERS", "Makefile")}
    whole = tree(files)
    git(whole, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{whole}", "shallow")
    done = reroll("--tree", tmp_path / "shallow", "doctor")
    assert done.code == 0
    assert _row(done.out, "history").endswith("fetch --unshallow")
    assert _row(done.out, "checkpatch.pl").startswith("missing")


def test_nothing_is_fetched_into_a_partial_clone(
    reroll: Run, tree: MakeTree, tmp_path: Path
) -> None:
    whole = tree(_LINUX)
    git(whole, "config", "uploadpack.allowFilter", "true")
    words = ("clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{whole}", "partial")
    git(tmp_path, *words)
    before = _files(tmp_path / "partial")
    done = reroll("--tree", tmp_path / "partial", "doctor")
    assert (done.code, done.err) == (0, "")
    assert _row(done.out, "Linux tree").startswith("ok")
    assert _files(tmp_path / "partial") == before


def test_a_cache_that_cannot_be_written(
    reroll: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    done = reroll("doctor")
    assert done.code == 0
    assert _row(done.out, "cache").startswith("wrong")
    assert "$ export XDG_CACHE_HOME=" in _row(done.out, "cache")


def test_settings_that_cannot_be(reroll: Run, hermetic_seal: Path) -> None:
    _configure(hermetic_seal, "[reroll]\n\tjobs = many\n")
    done = reroll("doctor")
    assert done.code == 1
    row = _row(done.out, "settings")
    assert "'many' is not a whole number" in row
    assert row.endswith("$ git config --global --unset-all reroll.jobs")


def test_nothing_moves_the_cursor(reroll: Run, hermetic_seal: Path) -> None:
    _configure(hermetic_seal, '[sendemail]\n\tsmtpServer = "a\x1b[2Jb"\n')
    done = reroll("doctor")
    assert "\x1b" not in done.out
    assert "a\\x1b[2Jb" in done.out
