"""Looks: a label keeps its own in all figures of a report, and no two in a panel are alike."""

from analysis.figures.style import LOOKS, Palette

NETS = [f"net {number}" for number in range(20)]


def test_a_label_keeps_its_look_whatever_is_asked_for_in_between():
    palette = Palette()
    first = [palette[net] for net in NETS[:3]]
    palette.apart(NETS)
    assert [palette[net] for net in NETS[:3]] == first
    assert palette.apart(NETS[:3]) == dict(zip(NETS[:3], first, strict=True))


def test_the_same_labels_in_the_same_order_look_the_same_in_another_report():
    assert Palette().apart(NETS) == Palette().apart(NETS)


def test_labels_have_looks_of_their_own():
    palette = Palette()
    looks = [palette[net] for net in NETS]
    assert len(set(looks)) == len(NETS)
    assert len({look.color for look in looks[:7]}) == len({look.marker for look in looks[:7]}) == 7


def test_references_look_the_same_in_every_report_and_take_no_look_of_another():
    palette, other = Palette(), Palette()
    assert palette["sequential"] == LOOKS["sequential"]
    assert palette["plain"] == other["plain"]
    assert palette["net"] == other["net"]


def test_colours_are_apart_in_a_panel_while_there_are_enough():
    palette = Palette()
    for net in NETS:
        assert palette[net]
    some = [*NETS[:3], *NETS[7:11]]
    assert len({look.color for look in palette.apart(some).values()}) == 7


def test_looks_are_apart_in_a_panel_where_colours_are_not():
    looks = Palette().apart([*LOOKS, "plain", *NETS])
    assert len(set(looks.values())) == len(looks) == 23


def test_references_keep_their_looks_and_others_give_way():
    palette = Palette()
    own = palette["net 0"]
    assert own == LOOKS["sequential"]
    looks = palette.apart(["net 0", "sequential", "parallel"])
    assert list(looks) == ["net 0", "sequential", "parallel"]
    assert (looks["sequential"], looks["parallel"]) == (LOOKS["sequential"], LOOKS["parallel"])
    assert looks["net 0"].color not in {look.color for look in LOOKS.values()}
    assert palette.apart(["net 0"]) == {"net 0": own}


def test_a_label_that_gives_way_leaves_the_others_theirs():
    palette = Palette()
    others = {net: palette[net] for net in NETS[:4]}
    looks = palette.apart(["sequential", *NETS[:4]])
    assert {net: looks[net] for net in NETS[1:4]} == {net: others[net] for net in NETS[1:4]}


def test_a_label_that_comes_twice_counts_once():
    assert Palette().apart(["net", "net"]) == {"net": Palette()["net"]}


def test_with_more_labels_than_looks_some_come_again():
    assert len(Palette().apart([f"net {number}" for number in range(60)])) == 60


def test_what_is_likened_has_one_look_under_both_names_in_every_figure():
    palette = Palette()
    palette.liken({"net": "plain", "net, droppath": "droppath", "net, other": "other"})
    own, arms = (palette.apart(labels) for labels in (["net, other", "net, droppath", "net"], ["plain", "droppath"]))
    assert (
        (own["net"], own["net, droppath"])
        == (arms["plain"], arms["droppath"])
        == (palette["plain"], palette["net, droppath"])
    )
    assert len({look.color for look in own.values()}) == 3


def test_two_that_are_likened_to_one_are_apart_in_a_panel():
    palette = Palette()
    palette.liken({"net": "plain", "other": "plain"})
    looks = palette.apart(["third", "net", "other"])
    assert looks["net"] == palette["plain"]
    assert len({look.color for look in looks.values()}) == 3


def test_no_series_has_the_colour_of_plain_training():
    palette = Palette()
    assert palette["plain"].color not in {palette[net].color for net in NETS}
