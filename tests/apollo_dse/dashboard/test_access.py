"""Who is answered: methods, hosts, tokens; and what every answer forbids."""

import pytest
from starlette.responses import PlainTextResponse

from apollo_dse.dashboard.access import Gate, is_loopback, new_token
from tests.apollo_dse.dashboard.asgi import request

TOKEN = "t0ken-of_32"


def gate(**options):
    return Gate(PlainTextResponse("inside"), "default-src 'none'", **options)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_what_could_change_something_is_refused(method):
    answer = request(gate(), "/", method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert f"but got {method}" in answer.body.decode()


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8321", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8321", "[::1]"]
)
def test_names_of_this_machine_are_answered(host):
    assert request(gate(), "/", host=host).body == b"inside"


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8321",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8321",
        "localhost:evil",
        "x@localhost",
    ],
)
def test_a_name_that_was_pointed_here_is_refused(host):
    answer = request(gate(), "/", host=host)
    assert answer.status == 421
    assert b"inside" not in answer.body
    assert (host or "nothing").encode() not in answer.body.replace(b"another host", b"")


def test_another_loopback_address_is_its_own_name():
    assert request(gate(host="127.0.0.7"), "/", host="127.0.0.7:80").body == b"inside"


class TestToken:
    def test_the_address_lets_in_and_leaves_a_cookie(self):
        answer = request(gate(token=TOKEN), f"/?token={TOKEN}", host="any.example")
        assert answer.body == b"inside"
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"apollo-dse={TOKEN};")
        assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Strict"}

    def test_the_cookie_lets_in(self):
        answer = request(gate(token=TOKEN), "/", host="any.example", cookie=f"a=b; apollo-dse={TOKEN}")
        assert answer.body == b"inside"
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize(
        ("target", "cookie"),
        [
            ("/", ""),
            ("/?token=", ""),
            (f"/?token={TOKEN[:-1]}", ""),
            (f"/?token={TOKEN}x", ""),
            (f"/?token=no&token={TOKEN}", ""),
            ("/?token=%E2%82%AC", ""),
            ("/", f"apollo-dse={TOKEN[1:]}"),
            ("/", f"other={TOKEN}"),
            ("/", "apollo-dse"),
            ("/", "\x00;;=é"),
        ],
    )
    def test_without_it_nothing_is_told(self, target, cookie):
        answer = request(gate(token=TOKEN), target, cookie=cookie)
        assert answer.status == 401
        assert b"inside" not in answer.body
        assert TOKEN not in f"{answer.headers}{answer.body!r}"
        assert "set-cookie" not in answer.headers

    def test_tokens_are_long_and_never_the_same(self):
        tokens = {new_token() for _ in range(100)}
        assert len(tokens) == 100
        assert min(map(len, tokens)) >= 32


@pytest.mark.parametrize(("target", "host"), [("/", "localhost"), ("/", "evil.example")])
def test_every_answer_has_the_headers(target, host):
    headers = request(gate(), target, host=host).headers
    assert headers["content-security-policy"] == "default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example", "localhost.example", ""])
def test_what_other_machines_reach(host):
    assert not is_loopback(host)
