import pytest

from sweep.redaction import redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:secret@host:5000/x", "https://…@host:5000/x"),
        ("s3://KEY:sec%2Fret@bucket/a?scheme=http", "s3://…@bucket/a?scheme=http"),
        ("s3://KEY:sec/ret@bucket/a", "s3://…@bucket/a"),
        ("cannot parse 's3://KEY:s/'e@bucket/a' due to it", "cannot parse 's3://…@bucket/a' due to it"),
        ("postgresql+psycopg://u:p@ss:w@h/d", "postgresql+psycopg://…@h/d"),
        ("postgresql://u@h/d?password=secret&sslmode=require", "postgresql://…@h/d?password=…&sslmode=require"),
        ("--store=s3://KEY:secret@bucket", "--store=s3://…@bucket"),
        ("failed: https://u:p@h:1/api and http://u@h/b", "failed: https://…@h:1/api and http://…@h/b"),
    ],
)
def test_secrets_of_addresses_are_left_out(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///folder/mlflow.db",
        "s3://bucket/me@home/results?endpoint_override=127.0.0.1:9000&scheme=http",
        "http://127.0.0.1:5000/#/experiments",
        "results/a@b:c",
    ],
)
def test_what_holds_no_secret_stays(text: str) -> None:
    assert redacted(text) == text
