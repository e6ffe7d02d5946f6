"""``sweep ui`` where it cannot begin."""

import socket

import pytest


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999"])
def test_a_port_that_there_is_not_is_refused(port, call, fill, capsys):
    assert call("ui", "--store", str(fill()), "--port", port) == 2
    assert capsys.readouterr() == ("", f"sweep: --port is {port}, but takes 1 to 65535\n")


def test_a_damaged_database_is_told_before_an_address_is_announced(call, fill, capsys):
    store = fill()
    (store / "mlflow.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    assert call("ui", "--store", str(store)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"sweep: {store}/mlflow.db is damaged; move it away, and `sweep track` makes it anew\n"


def test_a_folder_in_the_place_of_the_database_is_told(call, fill, capsys):
    store = fill()
    (store / "mlflow.db").mkdir()
    assert call("ui", "--store", str(store)) == 2
    assert capsys.readouterr().err.startswith(f"sweep: {store}/mlflow.db is a folder; move it away")


def test_a_port_that_another_listens_on_is_refused_before_anything_is_announced(call, fill, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert call("ui", "--store", str(fill()), "--port", str(port)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"sweep: --port is {port}, but nobody can listen there (")
    assert printed.err.count("\n") == 1
