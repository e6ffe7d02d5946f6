"""What pairs of a study may and may not be said to show, whoever asks: the declared rules on whole tables of pairs."""

import itertools
import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import analysis
from analysis.equivalence import Verdict
from analysis.questions.equivalence.assessment import Answer, Assessment
from analysis.results import METRICS
from sweep.errors import SweepError
from sweep.ledger import Ledger, Margins, to_tables
from sweep.ledger.schema import plan_row
from sweep.result import TrialResult
from sweep.trial import Trial

CHANCE = math.log(10)
WIDTHS = range(1, 13)
EQUIVALENT = (Verdict.EQUIVALENT, Verdict.DIFFERENT_INSIDE)


def study(
    depths: Sequence[int] = (1, 4),
    widths: Iterable[int] = WIDTHS,
    seeds: Iterable[int] = range(3),
    name: str = "test",
    **factors: object,
) -> list[Trial]:
    """Matched trials of two activations: 24 configurations of three seeds deeper than one block, unless told."""
    levels = depths, widths, ("relu", "tanh"), seeds, ("sequential", "parallel")
    return [
        Trial(
            name,
            **{"dataset": "digits", "epochs": 1, **factors},
            depth=depth,
            filters=width,
            activation=activation,
            seed=seed,
            architecture=side,
        )
        for depth, width, activation, seed, side in itertools.product(*levels)
    ]


def noise(trial: Trial) -> float:
    """Of a trial, the same under each name of its study; at depth 1 of the pair."""
    side = trial.architecture if trial.depth > 1 else ""
    key = (trial.depth, trial.filters, trial.activation, trial.seed, trial.dataset, side)
    return float(np.random.default_rng(zlib.crc32(repr(key).encode())).normal())


def learning(trial: Trial, ratio: float = 1.0, helps: float = 0.7, spread: float = 0.01) -> float:
    """The loss of a network that learns: wide ones more, deep ones `helps` times that of one block."""
    loss = math.exp(-0.05 * trial.filters + spread * noise(trial))
    if trial.depth > 1:
        loss *= helps * (ratio if trial.architecture == "parallel" else 1.0)
    return loss


Ends = Callable[..., list[TrialResult]]
Judge = Callable[..., Assessment]


@pytest.fixture(scope="module")
def ends(end) -> Ends:
    """Results of trials whose losses a function gives; a status in place of a loss is how a trial ended."""

    def of(trials: Iterable[Trial], loss: Callable[[Trial], float | str] = learning) -> list[TrialResult]:
        found: list[TrialResult] = []
        for each in trials:
            value = loss(each)
            found.append(
                end(each, status=value)
                if isinstance(value, str)
                else end(each, value, value / 2, accuracy=0.5 + noise(each) / 50)
            )
        return found

    return of


@pytest.fixture(scope="module")
def judge(ends, make_pairs) -> Judge:
    """The assessment of pairs whose losses a function gives."""

    def of(loss: Callable[[Trial], float | str], trials: Iterable[Trial] | None = None, **question) -> Assessment:
        return judged(make_pairs(ends(study() if trials is None else trials, loss), **question))

    return of


def judged(pairs: pa.Table) -> Assessment:
    (found,) = analysis.assess(pairs).by_dataset.values()
    return found


def caveat(found: Assessment, text: str) -> bool:
    return any(text in each for each in found.caveats)


def withheld(found: Assessment, text: str) -> bool:
    return found.verdict == Verdict.UNDECIDED and any(text in each for each in found.withheld)


# Did the networks learn, and does depth help?


def test_networks_that_learn_with_depth_that_helps_are_plainly_equivalent(judge):
    found = judge(learning)
    assert found.verdict == Verdict.EQUIVALENT
    assert found.plain
    assert (found.withheld, found.caveats) == ((), ())
    assert found.inside.share > 0.99
    assert found.assay is not None
    assert math.exp(found.assay.depth.estimate) == pytest.approx(0.7, abs=0.01)
    assert found.assay.compared == found.configurations == 24


@pytest.mark.parametrize("scale", [1e-4, 0.01, 0.1])
@pytest.mark.parametrize("losses", [(2.255, 2.295), (2.295, 2.255)], ids=str)
def test_networks_that_barely_learn_are_not_equivalent_however_near_their_ratio_is_to_one(losses, scale, judge):
    found = judge(lambda each: losses[each.architecture == "parallel" and each.depth > 1] * (1 + scale * noise(each)))
    assert found.grid.p_inside(-found.margin, found.margin) < found.alpha
    assert not found.is_equivalent


@pytest.mark.parametrize("scale", [1e-4, 0.01])
@pytest.mark.parametrize(
    "losses",
    [(CHANCE + 0.01, CHANCE + 0.01), (CHANCE / 0.92, CHANCE + 0.01), (3 / 0.92, 3.0), (3.0, 3 / 0.92)],
    ids=["at guessing", "parallel at guessing", "parallel ahead by 8 %", "sequential ahead by 8 %"],
)
def test_networks_that_never_learned_are_neither_equivalent_nor_better(losses, scale, judge):
    found = judge(lambda each: losses[each.architecture == "parallel" and each.depth > 1] * (1 + scale * noise(each)))
    assert withheld(found, "the networks are not shown to learn anything: their losses are no better than guessing")
    assert found.assay is not None
    assert found.assay.unlearned == ["sequential", "parallel"]


def test_a_side_that_learns_nothing_is_not_equivalent_to_one_that_learns_little(judge):
    """0.1 of a nat is inside a margin of 100 % of the loss, and all that there is."""
    losses = (CHANCE - 0.1, CHANCE)
    loss = lambda each: losses[each.architecture == "parallel" and each.depth > 1] * (1 + 0.01 * noise(each))  # noqa: E731
    assert judge(loss).verdict == Verdict.SECOND_BETTER
    wide = judge(loss, margins=Margins(2.0))
    assert withheld(wide, "the parallel networks are not shown to learn anything")


def test_where_depth_does_not_help_equivalence_is_never_plain(judge):
    for helps in (1.0, 1.2):
        found = judge(lambda each, helps=helps: learning(each, helps=helps))
        assert found.is_equivalent
        assert not found.plain
        assert caveat(found, "depth does not help here")


def test_without_networks_of_one_block_equivalence_is_never_plain(judge):
    found = judge(learning, study(depths=(2, 4), widths=range(1, 7)))
    assert found.is_equivalent
    assert not found.plain
    assert caveat(found, "whether depth helps here is not known")


def test_a_block_of_another_width_is_nothing_to_compare_with(judge):
    trials = [*study(depths=(1,), widths=[99]), *study(depths=(4,))]
    found = judge(learning, trials)
    assert found.assay is not None
    assert found.assay.compared == 0
    assert not found.plain


def test_a_loss_inside_the_ratio_may_be_too_much_of_what_was_learned(judge):
    """1.08 of a loss of 1.5 is 15 % of what networks learn, which is chance less that loss."""

    def of(scale: float) -> Callable[[Trial], float]:
        def loss(each: Trial) -> float:
            ratio = 1.08 if each.architecture == "parallel" and each.depth > 1 else 1.0
            return scale * ratio * (1.1 if each.depth == 1 else 1.0) * math.exp(0.002 * noise(each))

        return loss

    found = judge(of(1.5))
    assert found.grid.p_inside(-found.margin, found.margin) < 1e-6
    assert found.learned is not None
    assert found.learned.interval.low > 0.1
    assert not found.is_equivalent
    assert found.p_equivalence > 0.9
    assert judge(of(0.3)).verdict == Verdict.DIFFERENT_INSIDE


# What diverged.


def diverging(percent: float, *sides: str) -> Callable[[Trial], float | str]:
    """Deep networks of these sides diverge in a share of the pairs, spread over all configurations."""

    def loss(each: Trial) -> float | str:
        place = (WIDTHS.index(each.filters) * 2 + (each.activation == "tanh")) * 3 + each.seed
        hit = each.depth > 1 and each.architecture in sides and (place * 29) % 72 < 72 * percent / 100
        return "diverged" if hit else learning(each)

    return loss


@pytest.mark.parametrize("percent", [8, 40, 100])
def test_networks_that_diverge_are_never_plainly_equivalent(percent, judge):
    found = judge(diverging(percent, "parallel"))
    assert found.counts.parallel_diverged == math.ceil(0.72 * percent)
    assert not found.plain
    assert not found.is_equivalent or caveat(found, "the parallel networks diverge more often")


def test_a_few_that_diverge_cost_a_plain_verdict(judge):
    """5 % of 72 pairs, in four configurations: no test of so few says more, but the mean does."""
    found = judge(diverging(5, "parallel"))
    assert found.counts.parallel_diverged == 4
    assert not found.plain
    assert not found.is_equivalent


@pytest.mark.parametrize(
    ("side", "verdict"),
    [
        ("parallel", Verdict.SECOND_BETTER),
        ("sequential", Verdict.FIRST_BETTER),
    ],
)
def test_networks_that_always_diverge_are_worse(side, verdict, judge):
    found = judge(diverging(100, side))
    assert found.verdict == verdict
    assert found.beyond


def test_what_both_sides_lose_says_nothing_of_either(judge):
    whole = judge(learning, study(widths=range(1, 25)))
    found = judge(
        lambda each: "diverged" if each.depth > 1 and each.filters > 12 else learning(each), study(widths=range(1, 25))
    )
    assert found.counts.diverged == found.counts.parallel_diverged == 72
    assert (found.configurations, whole.configurations) == (24, 48)
    assert found.divergence.p_exact == 1.0
    assert found.verdict == Verdict.EQUIVALENT
    assert not caveat(found, "diverge")
    assert judge(diverging(100, "sequential", "parallel")).verdict == Verdict.UNDECIDED


# What a mean can hide.


def test_ratios_that_cancel_by_a_pattern_of_two_factors_are_equivalent_on_average_alone(judge):
    def loss(each: Trial) -> float:
        same = (each.filters % 2 == 0) == (each.activation == "relu")
        return learning(each, 1.3 if same else 1 / 1.3)

    found = judge(loss)
    assert found.grid.estimate == pytest.approx(0.0, abs=0.01)
    assert found.is_equivalent
    assert not found.plain
    assert caveat(found, "on average alone")
    assert found.inside.share < 0.01
    assert found.inside.spread == pytest.approx(math.log(1.3), rel=0.2)
    assert found.networks.standard_error > 5 * found.grid.standard_error


# The control.


def test_where_every_parallel_network_of_one_block_failed_nothing_is_trusted(judge):
    found = judge(lambda each: "failed" if (each.depth, each.architecture) == (1, "parallel") else learning(each))
    assert withheld(found, "the control says nothing: none of 72 depth-1 pairs has a value on both sides")


def test_where_one_block_differs_by_its_arrangement_nothing_is_trusted(judge):
    found = judge(lambda each: learning(each) * (1.01 if (each.depth, each.architecture) == (1, "parallel") else 1))
    assert withheld(found, "the control fails: 72 of 72 depth-1 pairs differ")


@pytest.mark.parametrize(("identical", "trusted"), [(3, True), (36, True), (37, False), (72, False)])
def test_where_most_deep_pairs_are_identical_nothing_is_trusted(identical, trusted, judge):
    def loss(each: Trial) -> float:
        place = (WIDTHS.index(each.filters) * 2 + (each.activation == "tanh")) * 3 + each.seed
        return learning(replaced(each) if each.depth > 1 and place < identical else each)

    found = judge(loss)
    assert (found.verdict == Verdict.EQUIVALENT) is trusted
    assert trusted or withheld(found, f"{identical} of 72 pairs deeper than one block are identical bit for bit")


def replaced(trial: Trial) -> Trial:
    return trial.but(architecture="sequential")


def test_a_control_of_several_metrics_may_be_given(ends, make_pairs):
    results = ends(study())
    odd = replace(results[0], epochs=(replace(results[0].epochs[0], train_loss=9.0),))
    results[0] = odd
    pairs = {metric: make_pairs(results, metric) for metric in ("val_loss", "train_loss")}
    assert judged(pairs["val_loss"]).plain
    control = analysis.controls(pairs)
    (found,) = analysis.assess(pairs["val_loss"], control).by_dataset.values()
    assert withheld(found, "the control fails: 1 of 72 depth-1 pairs differ")


# How much there is to go by.


def test_two_configurations_of_one_seed_have_an_estimate_and_no_verdict(judge):
    found = judge(learning, study(widths=[1], seeds=[0]))
    assert found.configurations == 2
    assert found.grid.estimate == pytest.approx(0.0, abs=0.05)
    assert withheld(found, "too few pairs")
    assert math.isnan(found.interval.low)


def test_missing_planned_pairs_withhold_the_verdict(ends, make_store):
    trials = study()
    store = make_store(ends(trials[:-2]), trials)
    found = judged(analysis.open(store).pairs())
    assert (found.counts.missing, found.counts.pairs) == (1, 72)
    assert withheld(found, "1 planned pairs have not been trained")
    make_store(ends(trials[-2:]), folder=store)
    assert judged(analysis.open(store).pairs()).plain


def test_a_pair_of_which_one_side_was_trained_is_missing_too(ends, make_store):
    trials = study()
    found = judged(analysis.open(make_store(ends(trials[:-1]), trials)).pairs())
    assert withheld(found, "1 planned pairs have not been trained")


@pytest.mark.parametrize("value", [1e-320, 0.0, 1e300, 1e13, math.inf, -math.inf, math.nan, -1.0])
@pytest.mark.parametrize("sides", [("sequential",), ("parallel",), ("sequential", "parallel")])
def test_odd_losses_have_a_sensible_outcome(value, sides, ends, make_pairs):
    """In one pair of 72, of a trial that is said to have finished."""

    def loss(each: Trial) -> float:
        hit = (each.depth, each.filters, each.activation, each.seed) == (4, 1, "relu", 0) and each.architecture in sides
        return value if hit else learning(each)

    results = ends(study(), loss)
    for metric in METRICS[:2]:
        found = judged(make_pairs(results, metric))
        numbers = (found.grid.estimate, found.networks.estimate, found.interval.low, found.interval.high)
        assert all(map(math.isfinite, numbers))
        assert found.interval.low < found.grid.estimate < found.interval.high
        lost = not math.isfinite(value)
        assert found.counts.diverged == int(lost)
        assert (found.counts.sequential_diverged, found.counts.parallel_diverged) == tuple(
            int(lost and side in sides) for side in ("sequential", "parallel")
        )


@pytest.mark.parametrize("value", [1e-320, 0.0, 1e300, math.inf, math.nan])
def test_nothing_but_odd_losses_is_no_verdict_of_a_difference(value, judge):
    found = judge(lambda each: value)
    assert found.verdict == Verdict.UNDECIDED or found.is_equivalent
    assert not found.plain


# Which question the pairs ask.


def test_the_margin_of_the_sweep_judges_whoever_asks(ends, make_store):
    trials = study()
    loss = lambda each: learning(each, 1.05)  # noqa: E731
    for ratio, verdict in ((0.1, Verdict.DIFFERENT_INSIDE), (0.02, Verdict.SECOND_BETTER)):
        store = make_store([], trials, Margins(ratio))
        make_store(ends(trials, loss), folder=store)
        pairs = analysis.open(store).pairs("val_loss")
        by_name = analysis.open(store).pairs(study="test")
        for table in (pairs, pairs.filter(pc.field("depth") > 0), pairs.slice(0), by_name):
            found = judged(table)
            assert (found.margins.ratio, found.verdict) == (ratio, verdict)


def test_another_study_of_the_same_trainings_does_not_widen_the_margin(ends, make_store):
    trials, others = study(), study(name="other")
    loss = lambda each: learning(each, 1.05)  # noqa: E731
    declared = make_store([], trials, Margins(0.02))
    make_store(ends(trials, loss), folder=declared)
    one = make_store(ends(others, loss), others, Margins(0.2), folder=declared)
    elsewhere = make_store(ends(others, loss), others, Margins(0.2))
    for stores in ((one,), (declared, elsewhere), (elsewhere, declared)):
        results = analysis.open(*stores)
        for name in ("test", "other", None):
            found = judged(results.pairs("val_loss", name))
            assert found.margins.ratio == 0.02
            assert found.verdict == Verdict.SECOND_BETTER


@pytest.mark.parametrize("name", ["test", "other"])
def test_a_margin_that_was_declared_after_the_first_result_judges_nothing(name, ends, make_store, at):
    trials = study(name=name)
    at(2)
    store = make_store(ends(study(), lambda each: learning(each, 1.05)))
    at(3)
    new = trials if name == "other" else []
    make_store(ends(new, lambda each: learning(each, 1.05)), trials, Margins(0.2), folder=store)
    for asked in {"test", name}:
        pairs = analysis.open(store).pairs("val_loss", asked)
        found = judged(pairs)
        assert found.margins.ratio == 0.2
        assert withheld(found, "the margins were declared after the first result")


def test_a_margin_declared_in_time_counts_beside_one_that_was_not(ends, make_store, at):
    for late in (0.2, 0.001):
        at(1)
        store = make_store([], study(), Margins(0.1))
        at(2)
        make_store(ends(study(), lambda each: learning(each, 1.05)), folder=store)
        day = at(3)
        make_store([], study(name="other"), Margins(late), folder=store)
        found = judged(analysis.open(store).pairs("val_loss", "test"))
        assert (found.margins.ratio, found.verdict) == (0.1, Verdict.DIFFERENT_INSIDE)
        assert day not in str(found)


def test_a_failing_control_and_the_metric_are_the_tables_own(ends, make_store):
    trials = study()
    broken = lambda each: learning(each) * (2 if (each.depth, each.architecture) == (1, "parallel") else 1)  # noqa: E731
    results = analysis.open(make_store(ends(trials, broken), trials))
    assert withheld(judged(results.pairs()), "the control fails")
    results = analysis.open(make_store(ends(trials), trials))
    for metric in ("val_loss", "train_loss", "val_accuracy", "train_accuracy"):
        found = judged(results.pairs(metric))
        assert found.metric == metric
        assert (found.verdict == Verdict.EQUIVALENT) is metric.endswith("loss")


@pytest.mark.parametrize("metric", ["val_accuracy", "train_accuracy", "gradient_norm"])
def test_what_is_no_loss_has_an_estimate_and_no_verdict(metric, ends, make_pairs):
    for ratio in (1.0, 0.5):
        found = judged(make_pairs(ends(study(), lambda each, ratio=ratio: learning(each, ratio)), metric))
        assert math.isfinite(found.grid.estimate)
        assert (found.scale, found.verdict, found.plain) == ("difference", Verdict.UNDECIDED, False)


def test_a_table_without_a_question_is_one_sentence(ends, make_store):
    trials = study(widths=[1])
    results = analysis.open(make_store(ends(trials), trials))
    bare = results.pairs().replace_schema_metadata(None)
    for table in (bare, results.sql("select * from pairs"), pa.table({"ratio": [1.0]})):
        with pytest.raises(
            SweepError, match=r"^the table does not say what it compares; take pairs from Results\.pairs"
        ):
            analysis.assess(table)
    with pytest.raises(SweepError, match=r"^metric is 'nonsense', but takes one of val_loss, "):
        results.pairs("nonsense")


def test_a_table_without_a_deep_pair_is_one_sentence(ends, make_pairs):
    for trials in ([], study(depths=[1])):
        with pytest.raises(SweepError, match=r"^there is no matched pair deeper than one block to assess$"):
            analysis.assess(make_pairs(ends(trials)))


# How often it was asked.


def sweep(store, trials: Sequence[Trial], results: list[TrialResult], number: int) -> None:
    """A sweep that is declared, and then run to its end."""
    ledger = Ledger.create(store)
    ledger.record_sweep(f"{number:020}", trials[0].study, trials)
    ledger.publish(to_tables(results))


def test_every_look_at_growing_results_is_stricter(ends, tmp_path, at):
    seen: list[tuple[int, float]] = []
    done = 0
    for number, seeds in enumerate((3, 4, 5, 6, 7), 1):
        at(number)
        trials = study(seeds=range(seeds))
        new = [each for each in trials if each.seed >= done]
        sweep(tmp_path / "store", trials, ends(new), number)
        done = seeds
        found = judged(analysis.open(tmp_path / "store").pairs())
        assert found.counts.pairs == 24 * seeds
        seen.append((found.look, found.alpha))
        assert found.interval.confidence == pytest.approx(1 - 2 * found.alpha)
    assert [look for look, _ in seen] == [1, 2, 3, 4, 5]
    assert [alpha for _, alpha in seen] == pytest.approx([0.04, 0.005, 0.0025, 0.00125, 0.000625])
    assert sum(alpha for _, alpha in seen) < 0.05


def test_to_look_again_at_the_same_results_is_no_other_look(ends, tmp_path):
    trials = study()
    for number in (1, 2, 3):
        sweep(tmp_path / "store", study(name=f"name{number}") if number == 3 else trials, ends(trials), number)
    assert judged(analysis.open(tmp_path / "store").pairs(study="test")).look == 1


def test_a_try_out_that_could_give_no_verdict_is_no_look(ends, tmp_path):
    small, whole = study(widths=[1], seeds=[0, 1]), study()
    sweep(tmp_path / "store", small, ends(small), 1)
    assert judged(analysis.open(tmp_path / "store").pairs()).look == 1
    sweep(tmp_path / "store", whole, ends([each for each in whole if each not in small]), 2)
    found = judged(analysis.open(tmp_path / "store").pairs())
    assert (found.look, found.verdict) == (1, Verdict.EQUIVALENT)


# Where seeds come from.


def test_crossed_seeds_are_the_pieces_of_evidence(ends, make_pairs):
    """A seed's shift is in all configurations alike; what the seeds' means say is all that there is to know."""

    def loss(each: Trial) -> float:
        shift = 0.05 * math.sin(7 * each.seed) if each.architecture == "parallel" and each.depth > 1 else 0.0
        return learning(each) * math.exp(shift)

    found: dict[str, Assessment] = {}
    for draws in ("crossed", "nested"):
        pairs = make_pairs(ends(study(seeds=range(6), draws=draws), loss))
        found[draws] = judged(pairs)
        assert found[draws].crossed is (draws == "crossed")
    crossed, nested = found["crossed"], found["nested"]
    assert crossed.grid.estimate == pytest.approx(nested.grid.estimate)
    deep = make_pairs(ends(study(depths=[4], seeds=range(6), draws="crossed"), loss))
    means = [float(np.mean(np.log(deep.filter(pc.field("seed") == seed)["ratio"].to_numpy()))) for seed in range(6)]
    error = float(np.std(means, ddof=1)) / math.sqrt(6)
    assert crossed.grid.estimate == pytest.approx(np.mean(means))
    assert (crossed.grid.standard_error, crossed.grid.degrees_of_freedom) == (pytest.approx(error), 5)
    assert crossed.grid.standard_error > 2 * nested.grid.standard_error
    assert crossed.interval.low < nested.interval.low < nested.interval.high < crossed.interval.high
    assert nested.seed_effect.p < 1e-6
    assert not crossed.plain
    assert crossed.is_equivalent
    assert caveat(crossed, "seeds are shared by all configurations")
    assert not caveat(nested, "seeds are shared")


# Several data sets.


def test_no_data_set_speaks_for_another(ends, make_store):
    trials = [each for dataset in ("mnist", "digits") for each in study(dataset=dataset)]
    store = make_store(ends(trials, lambda each: learning(each, 1.0 if each.dataset == "mnist" else 0.7)), trials)
    answer = analysis.assess(analysis.open(store).pairs())
    assert isinstance(answer, Answer)
    assert {name: each.words for name, each in answer.by_dataset.items()} == {
        "digits": "parallel better",
        "mnist": "equivalent",
    }
    assert (answer.verdict, answer.plain) == (Verdict.UNDECIDED, False)
    assert answer.words == "digits: parallel better; mnist: equivalent"


def test_classes_are_those_of_the_data(ends, make_pairs):
    row = plan_row(study()[0])
    assert row["classes"] == 10
    found = judged(make_pairs(ends(study())))
    assert found.assay is not None
    assert found.assay.chance == pytest.approx(CHANCE)
