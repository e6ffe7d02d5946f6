"""Options that several commands share."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

from cyclopts import Parameter, Token, convert

from sweep.numerals import INTEGER, read_number
from sweep.shown import shown

Imports = Annotated[
    tuple[Path, ...],
    Parameter(
        name="--import",
        negative=(),
        show_default=False,
        help="Python file with your own parts, such as a kind of network; a study names them FILE:NAME; repeatable.",
    ),
]
Flag = Annotated[bool, Parameter(negative=())]
Store = Annotated[str, Parameter(name="--store", help="Folder or object-store URI that holds the results.")]
Tracking = Annotated[
    str | None,
    Parameter(name="--tracking", help="MLflow tracking URI; by default an SQLite database inside a local store."),
]
Stores = Annotated[
    tuple[str, ...],
    Parameter(
        name="--store",
        negative=(),
        help="Folder or object-store URI that holds results; repeat it to read several as one.",
    ),
]
DEFAULT_STORE = "results"


def converted(kind: Any, tokens: Sequence[Token]) -> Any:
    """An option's value. Raises ValueError for numbers in a spelling that no other place of the program takes.

    By itself, cyclopts takes 1_0 and 0xA for ten, and 2.7 for three.
    """
    kinds = (kind, *get_args(kind))
    for token in tokens:
        if int in kinds and not re.fullmatch(INTEGER, token.value.strip()):
            raise ValueError(f"{shown(token.value)} is not an integer, such as 10")
        if float in kinds:
            read_number(token.value)
    return convert(kind, tokens)
