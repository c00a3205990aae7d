"""The classes of labelled images and of a network: matched by name, by ImageNet's names, by number, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from support.labelled_images import labelled_index, validation_index, write_list

from inceptionctl.data.labels import match_classes, matched
from inceptionctl.data.sources import digits
from inceptionctl.data.wordnet import categories, ids_by_name, lemmas, readable, wordnet_ids
from inceptionctl.errors import RequestError

IDS = wordnet_ids()
TENCH, ANT, BEE = "n01440764", "n02219486", "n02206856"
DIGITS = digits.Settings(name="digits", eval_split="test", workers=0)


def test_the_ids_and_names_are_those_of_the_libraries():
    from timm.data import ImageNetInfo
    from torchvision.models import get_model_weights

    info = ImageNetInfo()
    assert list(IDS) == info.label_names()
    assert [", ".join(lemmas()[wnid]) for wnid in IDS] == info.label_descriptions()
    named = get_model_weights("googlenet").DEFAULT.meta["categories"]
    assert [categories()[wnid] for wnid in IDS] == named
    assert readable([TENCH, "cat"]) == ["tench (n01440764)", "cat"]


@pytest.mark.parametrize(
    ("found", "known", "mapping", "how"),
    [
        (["bee", "ant"], ["ant", "bee", "cat"], [1, 0], "by name"),
        (["Polar_bear"], ["ant", "polar bear"], [1], "by name but for spelling"),
        (["1", "10", "2"], ["1", "10", "2"], [0, 1, 2], "by name"),
        ([ANT, TENCH], 1000, [310, 0], "by WordNet id"),
        ([ANT], list(reversed(IDS)), [689], "by WordNet id"),
        (["ant", "Tinca_tinca"], 1000, [310, 0], "by class name"),
        (["ant", TENCH], 1000, [310, 0], "by WordNet id and class name"),
        (["ant, emmet, pismire", "tench, Tinca tinca"], 1000, [310, 0], "by class name"),
        (["maillot", "maillot, tank suit"], 1000, [638, 639], "by class name"),
        (["sunglass", "sunglasses"], 1000, [836, 837], "by class name"),
        (["0", "10", "9"], 1000, [0, 10, 9], "by number"),
        (["0"], list(reversed(IDS)), [999], "by number"),
        (["9", "0"], 10, [9, 0], "by number"),
    ],
)
def test_rules(found, known, mapping, how):
    matching = match_classes(found, known, "run=A")
    assert (matching.mapping_C.tolist(), matching.how) == (mapping, how)


def test_all_folders_of_imagenet_v2_are_numbers_and_not_sorted_text():
    folders = sorted(map(str, range(1000)))
    assert folders[:3] == ["0", "1", "10"]
    assert match_classes(folders, 1000, "weights=timm").mapping_C.tolist() == [int(name) for name in folders]


@pytest.mark.parametrize("spelled", [str, lambda name: name.replace(" ", "_"), str.upper])
def test_torchvisions_names_are_told_apart_where_all_of_them_are_there(spelled):
    """`crane` and `maillot` are names of two classes each; torchvision calls the others `crane bird` and so on."""
    if spelled is str.upper:
        unique = [name for name in categories().values() if len(ids_by_name()[name.casefold()]) == 1]
        assert len(match_classes([spelled(name) for name in unique], 1000, "w").mapping_C) > 950
        return
    found = [spelled(categories()[wnid]) for wnid in IDS]
    assert match_classes(found, 1000, "weights=torchvision").mapping_C.tolist() == list(range(1000))


def test_numbers_of_a_list_are_class_indices_and_names_of_folders_are_names():
    known = ["1", "10", "2"]
    assert match_classes(["1", "2"], known, "run=A").mapping_C.tolist() == [0, 2]
    assert match_classes(["1", "2"], known, "run=A", numbered=True).mapping_C.tolist() == [1, 2]


def test_every_name_of_wordnet_that_one_class_has_means_this_class():
    for k, wnid in enumerate(IDS):
        for name in lemmas()[wnid]:
            if len(ids_by_name()[name.casefold()]) == 1:
                assert match_classes([name], 1000, "w").mapping_C.tolist() == [k]
            else:
                with pytest.raises(RequestError, match=wnid):
                    match_classes([name], 1000, "w")


@pytest.mark.parametrize(
    ("found", "known", "numbered", "words"),
    [
        (["ants", "bee"], 1000, False, ["1 of the 2 classes", "'ants'", f"ant ({ANT}) for 'ants'", "WordNet id"]),
        (["crane"], 1000, False, ["'crane' may be crane bird (n02012849) or crane (n03126707)", "by WordNet id"]),
        (["maillot"], 1000, False, ["maillot (n03710637) or maillot tank suit (n03710721)"]),
        (["missile"], 1000, False, ["missile (n03773504) or projectile (n04008634)"]),
        (["n99999999", TENCH], 1000, False, ["1 of the 2 classes", "'n99999999'"]),
        ([str(k) for k in range(1, 1001)], 1000, False, ["label 1000", "0 to 999", "begin at 1?", "subtract 1"]),
        (["1", "2"], 2, True, ["label 2", "0 to 1", "begin at 1?"]),
        (["3", "7", "8"], ["a", "b", "c"], True, ["labels 3, 7, 8", "3 classes of run=A", "0 to 2"]),
        (["4000"], 1000, True, ["label 4000"]),
        (["cat", "dog"], 10, False, ["names of the 10 classes of run=A are not known", "'cat', 'dog'", "0 to 9"]),
        (["0", "1"], ["ant", "bee"], False, ["'0', '1'", "its classes are ant, bee", "data.list=FILE"]),
        (["dogs"], ["dog", "bee"], False, ["'dogs'", "nearest: dog for 'dogs'"]),
        ([TENCH], ["ant", "bee"], False, [f"'{TENCH}'", "its classes are ant, bee"]),
        (["cat", "dog"], ["ant", "bee"], False, ["2 of the 2 classes"]),
        (["01", "1"], 1000, False, ["01 and 1 are one class of run=A", "merge"]),
        (["tench", "Tinca tinca"], 1000, False, ["tench and Tinca tinca are one class"]),
        (["1" * 5000], 1000, False, ["none of the 1,000"]),
        (["0", "cat"], 1000, False, ["1 of the 2 classes", "'cat'"]),
    ],
)  # fmt: skip
def test_classes_that_do_not_match_are_named_with_what_would(found, known, numbered, words):
    with pytest.raises(RequestError) as caught:
        match_classes(found, known, "run=A", numbered)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert len(message) < 600


def test_relabelled_files_have_the_networks_classes_and_say_how(tmp_path):
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(b"an image")
    found = matched(labelled_index(list=write_list(tmp_path, "b.png bee", "a.png ant")), ["ant", "bee", "cat"], "run=A")
    assert found.classes == ("ant", "bee", "cat")
    assert found.files["eval"].labels_N.tolist() == [1, 0]
    assert found.provenance.endswith("; matched by name to 2 of the 3 classes of run=A")
    assert (found.n_train, found.n_eval, found.fingerprint) == (0, 2, None)
    assert found.eval_fingerprint == found.files["eval"].digest(found.classes)


def test_the_digest_is_of_what_is_evaluated_and_not_of_how_it_was_listed(tmp_path):
    for label, name in enumerate(("n01440764", "n01443537")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{label}.png").write_bytes(b"an image")
    lines = write_list(tmp_path, "n01440764/0.png 0", "n01443537/1.png 1")
    one, other = (matched(index, 1000, "w") for index in (labelled_index(tmp_path), labelled_index(tmp_path, lines)))
    assert one.eval_fingerprint == other.eval_fingerprint
    assert (one.numbered, other.numbered) == (False, False)
    swapped = write_list(tmp_path, "n01440764/0.png 1", "n01443537/1.png 0")
    assert matched(labelled_index(tmp_path, swapped), 1000, "w").eval_fingerprint != one.eval_fingerprint


def test_labels_of_another_order_are_warned_of(capsys):
    """Labels by ILSVRC id are not labels by sorted WordNet id: no image says so, its ReaL labels do."""
    index = matched(validation_index(), 1000, "weights=timm")
    assert "labels of another order" in index.provenance
    assert "of the labels are among the ReaL labels" in capsys.readouterr().err


def test_images_without_files_fit_a_network_of_the_same_classes_alone():
    index = DIGITS.index(dev=False)
    assert matched(index, tuple("0123456789"), "run=A") is index
    with pytest.raises(RequestError, match="not those of this data"):
        matched(index, 1000, "weights=timm")
    assert np.array_equal(match_classes(index.classes, 10, "w").mapping_C, np.arange(10))
