"""``sweep factors``: explains the factors of a trial."""

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sweep.cli.options import Imports
from sweep.errors import unknown_name
from sweep.factors import Factor
from sweep.identity import current
from sweep.own_code import import_file
from sweep.parts import FACTORS, REGISTRIES


def factors(name: str | None = None, /, *, imports: Imports = ()) -> None:
    """Show the factors of a trial, or one of them: its meaning, values, default, and the parts that take it.

    Parameters
    ----------
    name
        The factor, such as depth.
    """
    for file in imports:
        module = import_file(file)
        for registry in REGISTRIES.values():
            registry.register_all(module)
    console = Console(highlight=False, markup=False)
    if name is None:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for column in ("factor", "default", "taken by", "meaning"):
            table.add_column(column, overflow="fold", ratio=1 if column == "meaning" else None)
        for each, factor in FACTORS.items():
            table.add_row(each, _default(factor), "\n".join(_owners(each)) or "every trial", factor.meaning)
        console.print(table)
        return
    name = current(name)
    if name not in FACTORS:
        raise unknown_name("factor", name, FACTORS)
    factor = FACTORS[name]
    owners = "; ".join(_owners(name)) or "every trial"
    facts = {"meaning": factor.meaning, "takes": factor.allowed, "default": _default(factor), "taken by": owners}
    for label, text in facts.items():
        console.print(f"{label:10}{text}", soft_wrap=True)


def _default(factor: Factor) -> str:
    if factor.default is None:
        return "the study's name"
    default = f"{factor.default:g}" if isinstance(factor.default, float) else str(factor.default)
    return default if factor.stands_for is None else f"{default}: {factor.stands_for}"


def _owners(name: str) -> list[str]:
    return [
        f"{registry.sort} {' or '.join(owners)}"
        for registry in REGISTRIES.values()
        if (owners := registry.owners(name))
    ]
