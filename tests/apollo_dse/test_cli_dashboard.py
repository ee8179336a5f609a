"""`apollo-dse dashboard`: one sentence for everything that keeps it from starting; it ends on Ctrl-C."""

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from apollo_dse.cli import dashboard as command
from apollo_dse.cli import main
from apollo_dse.dashboard.serve import listen
from tests.apollo_dse.dashboard.examples import begin


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "store.sqlite"
    begin(path)
    return path


def complaint(capsys, *words):
    assert main(["dashboard", *map(str, words)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_a_store_that_is_missing_says_what_to_run_first(capsys, tmp_path):
    said = complaint(capsys, "--store", tmp_path / "none.sqlite")
    assert "there is no store" in said
    assert "`apollo-dse explore` begins a study" in said


def test_a_port_that_is_taken(capsys, store):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = complaint(capsys, "--store", store, "--port", port)
    assert (
        f"a port that is free (--port 0 picks one), but another program listens on {port} of 127.0.0.1" in said
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--port", "70000"), "a port must lie in 0 .. 65535, but got 70000"),
        (("--host", "192.0.2.1"), "--host must be an address of this machine, but '192.0.2.1' is none"),
        (("--host", "no such host"), "--host must be an address of this machine, but 'no such host' is none"),
    ],
)
def test_an_address_that_cannot_be(capsys, store, words, said):
    assert said in complaint(capsys, "--store", store, *words)


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_it_says_how_to_get_it(missing, store):
    script = (
        f"import sys; sys.modules[{missing!r}] = None; from apollo_dse.cli import main;"
        f"sys.exit(main(['dashboard', '--store', {str(store)!r}]))"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"needs {missing}, which is not installed; install it: pip install 'apollo-dse[ui]'" in done.stderr


def test_only_loopback_goes_without_a_token():
    for host in ("127.0.0.1", "localhost"):
        place = listen(host, 0)
        place.socket.close()
        assert place.token is None
        assert place.url == f"http://{host}:{place.url.rpartition(':')[2]}"
    place = listen("0.0.0.0", 0)
    place.socket.close()
    assert place.token is not None
    assert place.url.endswith(f"/?token={place.token}")


def test_it_opens_a_browser_when_asked(monkeypatch, store, capsys):
    opened, addresses = [], []

    def serve(shelf, place, started):
        addresses.append(place.url)
        started()
        place.socket.close()

    monkeypatch.setattr("apollo_dse.dashboard.serve.serve", serve)
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    assert main(["dashboard", "--store", str(store), "--port", "0"]) == 0
    assert opened == []
    assert main(["dashboard", "--store", str(store), "--port", "0", "--open"]) == 0
    assert opened == addresses[1:]
    assert capsys.readouterr().out.count("(Ctrl-C ends)") == 2


def test_it_answers_until_ctrl_c(store):
    script = "from apollo_dse.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
    words = ("dashboard", "--store", str(store), "--port", "0")
    with subprocess.Popen(
        (sys.executable, "-c", script, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            url = server.stdout.readline().split(" is at ")[1].split()[0]
            with urllib.request.urlopen(f"{url}api/studies", timeout=30) as answer:
                assert b'"name":"demo"' in answer.read()
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urllib.request.Request(url, b"x", method="POST"), timeout=30)
            assert refused.value.code == 405
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
        assert server.stderr.read() == ""
