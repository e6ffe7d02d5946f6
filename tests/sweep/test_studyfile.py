import os
import re
from pathlib import Path

import pytest

from sweep.errors import SweepError
from sweep.margins import Margins
from sweep.studies import STUDIES
from sweep.study import Study
from sweep.studyfile import find_study

YAML = """\
study: widths
about: >
  How wide is
  wide enough?
factors:
  dataset: mnist          # a single value is a list of one
  depth: [2, 8]
  learning_rate:
    - 1e-3
    - .0003
  architecture: [sequential, parallel]
  seed: 010
where:
  - depth > 1
  - filters == 8
margins:
  ratio: 5e-2
"""

TOML = """\
study = "widths"
about = "How wide is wide enough?\\n"
where = ["depth > 1", "filters == 8"]

[factors]
dataset = "mnist"
depth = [2, 8]
learning_rate = [1e-3, 0.0003]
architecture = ["sequential", "parallel"]
seed = 10

[margins]
ratio = 0.05
"""

STUDY = Study(
    "widths",
    {
        "dataset": ["mnist"],
        "depth": [2, 8],
        "learning_rate": [1e-3, 3e-4],
        "seed": [10],
        "architecture": ["sequential", "parallel"],
    },
    ["depth > 1", "filters == 8"],
    margins=Margins(ratio=0.05),
)


def refusal(path: Path, content: str | bytes) -> str:
    """The one sentence that refuses a file of this content, without the folder."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SweepError) as error:
        find_study(str(path))
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    return message.replace(f"{path.parent}/", "")


@pytest.mark.parametrize(("name", "content"), [("s.yaml", YAML), ("s.yml", YAML), ("s.toml", TOML)])
def test_both_forms_give_the_same_space(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content)
    study = find_study(str(path))
    assert study == STUDY
    assert study.about == "How wide is wide enough?\n"
    assert len(list(study.trials())) == 8


@pytest.mark.parametrize("name", STUDIES)
def test_a_built_in_study_is_found_by_name(name: str) -> None:
    assert find_study(name) is STUDIES[name]


def test_margins_may_be_left_out_or_be_some_or_all(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    for text, margins in (
        ("", Margins()),
        ("margins: {}", Margins()),
        ("margins: {ratio: 1}", Margins(1)),
    ):
        path.write_text(f"study: a\nfactors: {{depth: 1}}\n{text}\n")
        assert find_study(str(path)).margins == margins


@pytest.mark.parametrize("name", ["s.yaml", "s.toml"])
def test_a_range_stands_for_many_levels(name: str, tmp_path: Path) -> None:
    text = "study: a\nfactors: {seed: 0..2, depth: [1..2, 8]}"
    toml = 'study = "a"\nfactors = {seed = "0..2", depth = ["1..2", 8]}'
    (tmp_path / name).write_text(toml if name.endswith("toml") else text)
    assert find_study(str(tmp_path / name)).factors == {"seed": (0, 1, 2), "depth": (1, 2, 8)}


def test_one_constraint_needs_no_list(tmp_path: Path) -> None:
    (tmp_path / "ü s.yaml").write_text("study: a\nfactors: {depth: [1, 2]}\nwhere: depth > 1\n")
    assert find_study(str(tmp_path / "ü s.yaml")).where == ("depth > 1",)


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("gird", "study 'gird' is not known; did you mean 'grid'?; a file's name ends in .yaml, .yml or .toml"),
        ("x", "study 'x' is not known; known are grid, grid-small, quick"),
        ("s.json", "a file's name ends in .yaml, .yml or .toml"),
        ("missing.yaml", "the study file missing.yaml cannot be read: No such file or directory"),
    ],
)
def test_a_study_that_is_not_there(study: str, message: str) -> None:
    with pytest.raises(SweepError, match=re.escape(message)):
        find_study(study)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(SweepError, match=r"folder\.yaml cannot be read: Is a directory$"):
        find_study(str(tmp_path / "folder.yaml"))
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(SweepError, match=r"loop\.toml cannot be read: Too many levels of symbolic links$"):
        find_study(str(tmp_path / "loop.toml"))
    assert refusal(tmp_path / "s.yaml", b"study: \xff") == "the study file s.yaml cannot be read: it is not UTF-8 text"


HEAD = "study: a\nfactors:\n"

YAML_FAULTS = {
    "not a mapping": ("- a", "s.yaml: a study file holds the keys study, about, factors, arms, where, margins"),
    "empty": ("", "s.yaml: a study file holds the keys study, about, factors, arms, where, margins"),
    "no study": ("factors: {}", "s.yaml: the key 'study' is missing; a study file needs"),
    "no factors": ("study: a", "s.yaml: the key 'factors' is missing; a study file needs"),
    "unknown key": ("study: a\n\nfactor: {}", "s.yaml line 3: key 'factor' is not known; did you mean 'factors'?"),
    "a key that is no text": ("study: a\n7: {}", "s.yaml line 2: key '7' is not known; known are study, about"),
    "bad name": ("# x\nstudy: a b\nfactors: {}", "s.yaml line 2: study is 'a b', but takes a name of letters"),
    "name is no text": ("study: 5\nfactors: {}", "s.yaml line 1: study is 5, but takes a name of letters"),
    "name is null": ("study:\nfactors: {}", "s.yaml line 1: study is None, but takes a name of letters"),
    "name of other letters": (
        "study: größe\nfactors: {}",
        "s.yaml line 1: study is 'größe', but takes a name of letters",
    ),
    "name of other digits": ("study: a²\nfactors: {}", "s.yaml line 1: study is 'a²', but takes a name of letters"),
    "long name": (
        f"study: {'a' * 300}\nfactors: {{}}",
        "aaa…, but takes a name of letters, digits, '-' and '_' (ASCII, at",
    ),
    "name like an option": ("study: -rf\nfactors: {}", "s.yaml line 1: study is '-rf', but takes a name of letters"),
    "arm like an option": ("study: a\nfactors: {}\narms: {-a: {}}", "s.yaml line 3: arm is '-a', but takes a name"),
    "built-in name": ("study: grid\nfactors: {}", "s.yaml line 1: study is 'grid', which is built in; take another"),
    "factors is a list": (
        "study: a\nfactors: [depth]",
        "s.yaml line 2: factors is ['depth'], but takes levels by factor",
    ),
    "factors is null": ("study: a\nfactors:\n", "s.yaml line 2: factors is None, but takes levels by factor"),
    "unknown factor": (HEAD + "  dephts: 1", "s.yaml line 3: factor 'dephts' is not known; did you mean 'depth'?"),
    "study as factor": (HEAD + "  study: b", "s.yaml: factor 'study' is not known; known are dataset"),
    "bad value": (
        HEAD + "  seed: 1\n  depth: [1, 0]",
        "s.yaml line 4: depth is 0, but takes an integer from 1 to 4096",
    ),
    "bad value in block": (HEAD + "  depth:\n    - 1\n    - x", "s.yaml line 3: depth is 'x', but takes an integer"),
    "quoted key": (HEAD + '  "depth": x', "s.yaml line 3: depth is 'x', but takes an integer"),
    "flow style": ("study: a\nfactors: {depth: 0}", "s.yaml: depth is 0, but takes an integer"),
    "text with such a line": (
        "about: |\n depth: deep\n" + HEAD + " depth: 0",
        "s.yaml: depth is 0, but takes an integer",
    ),
    "nothing": (HEAD + "  depth:", "s.yaml line 3: depth is None, but takes an integer from 1 to 4096"),
    "no level": (HEAD + "  depth: []", "s.yaml line 3: factor 'depth' has no level; give it at least one"),
    "level twice": (HEAD + "  depth: [1, 2, 1]", "s.yaml line 3: factor 'depth' has a level twice in [1, 2, 1]"),
    "level twice in disguise": (
        HEAD + "  learning_rate: [1e-3, 0.001]",
        "line 3: factor 'learning_rate' has a level twice",
    ),
    "list in list": (HEAD + "  depth: [[1, 2]]", "s.yaml line 3: depth is [1, 2], but takes an integer"),
    "mapping": (HEAD + "  depth: {from: 1}", "s.yaml line 3: depth is {'from': 1}, but takes an integer"),
    "itself": (HEAD + "  depth: &a [*a]", "s.yaml line 3: depth is [[...]], but takes an integer"),
    "no": (HEAD + "  dataset: no", "s.yaml line 3: dataset is 'no', but takes one of mnist, cifar10"),
    "true": (HEAD + "  seed: true", "s.yaml line 3: seed is True, but takes an integer from 0 to 2147483647"),
    "date": (HEAD + "  seed: 2025-01-01", "s.yaml line 3: seed is '2025-01-01', but takes an integer"),
    "impossible date": (HEAD + "  seed: 2025-99-99", "s.yaml line 3: seed is '2025-99-99', but takes an integer"),
    "time": (HEAD + "  epochs: 1:30", "s.yaml line 3: epochs is '1:30', but takes an integer from 1 to 100000"),
    "infinity": (
        HEAD + "  learning_rate: .inf",
        "s.yaml line 3: learning_rate is inf, but takes a number from 0 to 100",
    ),
    "expression": ("study: a\nfactors: {}\nwhere: depth =", "s.yaml line 3: the expression 'depth =' cannot be read"),
    "expression of a list": (
        "where: [seed == 0, dept > 1]\nstudy: a\nfactors: {}",
        "s.yaml line 1: factor 'dept' is not",
    ),
    "call": ("study: a\nfactors: {}\nwhere: exit()", "s.yaml line 3: the expression 'exit()' has 'exit()' in it"),
    "where is a number": ("study: a\nfactors: {}\nwhere: 1", "s.yaml line 3: where is 1, but takes an expression"),
    "where of numbers": ("study: a\nfactors: {}\nwhere: [1]", "s.yaml line 3: where is [1], but takes an expression"),
    "unknown margin": (
        "study: a\nfactors: {}\nmargins: {ration: 1}",
        "s.yaml line 3: margin 'ration' is not known; did you mean 'ratio'?",
    ),
    "unknown margin in block": (
        "study: a\nmargins:\n  loss: 1\nfactors: {}",
        "s.yaml line 2: margin 'loss' is not known; known are ratio",
    ),
    "margin of zero": (
        "study: a\nfactors: {}\nmargins: {ratio: 0}",
        "s.yaml line 3: margin ratio is 0, but takes a number above 0, up to 10",
    ),
    "margin too large": (
        "margins: {ratio: 101}\nstudy: a\nfactors: {}",
        "s.yaml line 1: margin ratio is 101, but takes a number above 0, up to 10",
    ),
    "margin that is text": ("study: a\nfactors: {}\nmargins: {ratio: 10%}", "line 3: margin ratio is '10%', but takes"),
    "margin that is true": ("study: a\nfactors: {}\nmargins: {ratio: true}", "line 3: margin ratio is True, but takes"),
    "margin not a number": ("study: a\nfactors: {}\nmargins: {ratio: .nan}", "line 3: margin ratio is nan, but takes"),
    "margin without a value": ("study: a\nfactors: {}\nmargins:\n  ratio:", "line 3: margin ratio is None, but takes"),
    "margin that is a list": (
        "study: a\nfactors: {}\nmargins: {ratio: [1]}",
        "s.yaml line 3: margin ratio is [1], but takes",
    ),
    "margin that is a key's number": ("study: a\nfactors: {}\nmargins: {1: 1}", "line 3: margin '1' is not known"),
    "margins is a number": (
        "study: a\nfactors: {}\nmargins: 0.1",
        "s.yaml line 3: margins is 0.1, but takes numbers by name, such as ratio: 0.1",
    ),
    "margins is a list": ("study: a\nfactors: {}\nmargins: [ratio]", "line 3: margins is ['ratio'], but takes numbers"),
    "margins is null": ("study: a\nfactors: {}\nmargins:", "s.yaml line 3: margins is None, but takes numbers"),
    "margin for margins": (
        "study: a\nfactors: {}\nmargin: {ratio: 1}",
        "s.yaml line 3: key 'margin' is not known; did you mean 'margins'?",
    ),
    "about is a list": ("study: a\nfactors: {}\nabout: [1]", "s.yaml line 3: about is [1], but takes text"),
    "key twice": (
        HEAD + "  depth: 1\n  depth: 2",
        "not valid YAML: the key 'depth' appears twice (at line 4, column 3)",
    ),
    "top key twice": ("study: a\nstudy: b\nfactors: {}", "the key 'study' appears twice (at line 2, column 1)"),
    "open bracket": (HEAD + "  depth: [1,\n", "the study file s.yaml is not valid YAML: while parsing a flow node"),
    "tab": (HEAD + "\tdepth: 1", "found character '\\t' that cannot start any token (at line 3, column 1)"),
    "two documents": ("study: a\n---\nstudy: b", "is not valid YAML: expected a single document in the stream"),
    "unknown anchor": ("study: *a", "is not valid YAML: found undefined alias 'a' (at line 1, column 8)"),
    "control character": ("study: a\0", "is not valid YAML: unacceptable character #x0000"),
    "list as key": (
        "study: a\nfactors: {[1]: 2}",
        "is not valid YAML: while constructing a mapping, found unhashable key",
    ),
    "object": ("study: !!python/object/apply:os.getcwd []", "could not determine a constructor for the tag"),
    "tag": (HEAD + "  seed: !!int x", "the study file s.yaml is not valid YAML: invalid literal for int()"),
    "other tag": (HEAD + "  seed: !!bool x", "is not valid YAML: a value does not have the type of its tag"),
    "tag with underscores": (HEAD + "  seed: !!int 1_0", "s.yaml is not valid YAML: invalid literal for int()"),
    "tag with other digits": (HEAD + "  seed: !!float ٣", "s.yaml is not valid YAML: a value does not have the type"),
    "tag of nothing": (HEAD + "  seed: !!float ''", "s.yaml is not valid YAML: a value does not have the type"),
    "tag of a date": (HEAD + "  seed: !!timestamp 2025-01-01", "could not determine a constructor for the tag"),
    "merge": ("a: &a {b: 1}\n!!merge <<: *a", "could not determine a constructor for the tag"),
    "long integer": (HEAD + f"  seed: {'1' * 5000}", "is not valid YAML: Exceeds the limit (4300 digits)"),
    "long part": (HEAD + f"  network: {'a' * 9999}:B", "aaa… cannot be imported: No module named 'aaa"),
    "long part of digits": (HEAD + f"  network: {'1' * 9999}:B", "111…, but a part of your own is named module:NAME"),
    "long key": (f"{'a' * 500}: 1", "aaa… is not known; known are study"),
    "deep": ("study: " + "[" * 5000, "is not valid YAML: maximum recursion depth exceeded"),
}


@pytest.mark.parametrize(("content", "message"), YAML_FAULTS.values(), ids=YAML_FAULTS.keys())
def test_a_fault_of_a_yaml_file_is_one_sentence(content: str, message: str, tmp_path: Path) -> None:
    assert message in refusal(tmp_path / "s.yaml", content)


TOML_HEAD = 'study = "a"\n\n[factors]\n'

TOML_FAULTS = {
    "empty": ("", "s.toml: the key 'study' is missing; a study file needs"),
    "unknown key": ('study = "a"\n[factor]\n', "s.toml line 2: key 'factor' is not known; did you mean 'factors'?"),
    "unknown factor": (TOML_HEAD + "dephts = 1", "s.toml line 4: factor 'dephts' is not known; did you mean 'depth'?"),
    "bad value": (TOML_HEAD + "depth = [1, 0]", "s.toml line 4: depth is 0, but takes an integer from 1 to 4096"),
    "dotted key": ('study = "a"\nfactors.depth = 0', "s.toml line 2: depth is 0, but takes an integer"),
    "text for a number": (TOML_HEAD + 'depth = "1"', "s.toml line 4: depth is '1', but takes an integer"),
    "date": (TOML_HEAD + "seed = 2025-01-01", "s.toml line 4: seed is datetime.date(2025, 1, 1), but takes an integer"),
    "table": (TOML_HEAD + "[factors.depth]\nlow = 1", "s.toml line 4: depth is {'low': 1}, but takes an integer"),
    "no level": (TOML_HEAD + "depth = []", "s.toml line 4: factor 'depth' has no level"),
    "expression": ('where = "depth ="\n' + TOML_HEAD, "s.toml line 1: the expression 'depth =' cannot be read"),
    "unknown margin": (TOML_HEAD + "[margins]\nration = 1", "s.toml line 4: margin 'ration' is not known; did you"),
    "bad margin": (TOML_HEAD + "[margins]\nratio = -1.0", "s.toml line 4: margin ratio is -1.0, but takes a number"),
    "bad margin, dotted": ("margins.ratio = nan\n" + TOML_HEAD, "s.toml: margin ratio is nan, but takes a number"),
    "built-in name": ('study = "quick"\n[factors]', "s.toml line 1: study is 'quick', which is built in"),
    "key twice": (TOML_HEAD + "depth = 1\ndepth = 2\n", "is not valid TOML: Cannot overwrite a value (at line 5"),
    "syntax": ("study = a", "the study file s.toml is not valid TOML: Invalid value (at line 1, column 9)"),
    "impossible date": (TOML_HEAD + "seed = 2025-99-99", "the study file s.toml is not valid TOML: "),
    "long integer": (
        TOML_HEAD + f"seed = 0x{'f' * 9999}",
        "s.toml line 4: seed is an integer of 39996 bits, but takes",
    ),
    "deep": ("study = " + "[" * 5000, "is not valid TOML: maximum recursion depth exceeded"),
}


@pytest.mark.parametrize(("content", "message"), TOML_FAULTS.values(), ids=TOML_FAULTS.keys())
def test_a_fault_of_a_toml_file_is_one_sentence(content: str, message: str, tmp_path: Path) -> None:
    assert message in refusal(tmp_path / "s.toml", content)


LEVELS = "&a0 [lol]"
for _level in range(9):
    LEVELS = f"&a{_level + 1} [{LEVELS}, {', '.join([f'*a{_level}'] * 8)}]"
PLACES = {
    "study": f"study: {LEVELS}\nfactors: {{}}",
    "about": f"study: a\nabout: {LEVELS}\nfactors: {{}}",
    "where": f"study: a\nfactors: {{}}\nwhere: {LEVELS}",
    "factors": f"study: a\nfactors: {LEVELS}",
    "levels": f"study: a\nfactors: {{depth: {LEVELS}}}",
    "arms": f"study: a\nfactors: {{}}\narms: {LEVELS}",
    "factors of an arm": f"study: a\nfactors: {{}}\narms: {{b: {LEVELS}}}",
    "margins": f"study: a\nfactors: {{}}\nmargins: {LEVELS}",
    "margin": f"study: a\nfactors: {{}}\nmargins: {{ratio: {LEVELS}}}",
    "key": f"study: a\nfactors: {{? {LEVELS} : 1}}",
    "top key": f"? {LEVELS}\n: 1",
}


@pytest.mark.parametrize("content", PLACES.values(), ids=PLACES)
@pytest.mark.timeout(10)
def test_a_file_whose_aliases_stand_for_billions_of_values_is_refused_at_once(content: str, tmp_path: Path) -> None:
    assert len(refusal(tmp_path / "s.yaml", content)) < 400


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.YAML", YAML),
        ("s.Yml", YAML),
        ("s.TOML", TOML),
        ("bom.toml", "\ufeff" + TOML),
        ("bom.yaml", "\ufeff" + YAML),
        ("lines.toml", TOML.replace("\n", "\r\n")),
        ("lines.yaml", YAML.replace("\n", "\r\n")),
    ],
)
def test_a_file_is_read_however_its_editor_writes_it(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert find_study(str(tmp_path / name)) == STUDY


@pytest.mark.parametrize("name", ["pipe", "pipe.yaml"])
@pytest.mark.timeout(10)
def test_a_pipe_is_refused_before_it_is_read(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    for path in (tmp_path / name, Path("/dev/null")):
        with pytest.raises(
            SweepError, match=f"^{path} is a pipe or a device, but a study is read more than once; give"
        ):
            find_study(str(path))


def test_a_file_of_another_size_than_a_study_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path / "s.yaml", "# " + "x" * 300_000)
    assert message == "the study file s.yaml is longer than 256 KiB; leave out what is no study"


@pytest.mark.parametrize("text", ["1e-3", "1E-3", ".001", "0.001", "+1e-3", "001e-3"])
def test_every_spelling_of_a_number_is_one_in_yaml(text: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"study: a\nfactors: {{learning_rate: {text}}}")
    assert find_study(str(path)).factors == {"learning_rate": (0.001,)}
