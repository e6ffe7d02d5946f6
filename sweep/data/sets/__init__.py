"""The registered data sets. A new one is a module here with a RECIPE, and its name in the line below."""

from sweep.data.recipe import Recipe
from sweep.data.sets import cifar10, digits, mnist
from sweep.data.specs import DatasetSpec
from sweep.errors import SweepError

_RECIPES: dict[str, Recipe] = {each.RECIPE.spec.name: each.RECIPE for each in (mnist, cifar10, digits)}
DATASETS: dict[str, DatasetSpec] = {name: recipe.spec for name, recipe in _RECIPES.items()}


def recipe(name: str) -> Recipe:
    """The recipe of the data set ``name``. Raises SweepError if there is none."""
    if name not in _RECIPES:
        raise SweepError(f"There is no data set {name!r}; choose one of {', '.join(sorted(_RECIPES))}.")
    return _RECIPES[name]


def spec(name: str) -> DatasetSpec:
    """The specification of the data set ``name``. Raises SweepError if there is none."""
    return recipe(name).spec
