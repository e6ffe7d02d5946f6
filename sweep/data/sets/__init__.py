"""The registered data sets. A new one is a module here, with a RECIPE, and its line in ``_RECIPES``."""

from sweep.data.recipe import Recipe
from sweep.data.sets import cifar10, digits, mnist
from sweep.data.specs import DatasetSpec
from sweep.errors import SweepError

_RECIPES: tuple[Recipe, ...] = (
    mnist.RECIPE,
    cifar10.RECIPE,
    digits.RECIPE,
)

RECIPES: dict[str, Recipe] = {recipe.spec.name: recipe for recipe in _RECIPES}
DATASETS: dict[str, DatasetSpec] = {name: recipe.spec for name, recipe in RECIPES.items()}


def recipe(name: str) -> Recipe:
    """The recipe of the data set ``name``. Raises SweepError if there is none."""
    if name not in RECIPES:
        raise SweepError(f"There is no data set {name!r}; choose one of {', '.join(sorted(RECIPES))}.")
    return RECIPES[name]


def spec(name: str) -> DatasetSpec:
    """The specification of the data set ``name``. Raises SweepError if there is none."""
    return recipe(name).spec
