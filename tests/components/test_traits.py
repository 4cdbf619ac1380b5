"""What summaries are like beside their source, and what needs no model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.baselines import baselines, lead
from components.metrics.traits import mean_traits, traits
from tests.components.fakes import news_record

SOURCE = "The old ship left the port at nine. Rain fell all day."


class TestTraits:
    def test_a_copy_has_nothing_new_and_is_one_fragment(self) -> None:
        found = traits(SOURCE, "The old ship left the port")
        assert found["words"] == 6
        assert found["copied"] == 1.0
        assert found["copied_length"] == 6.0
        assert [found[f"novel_{n}"] for n in (1, 2, 3, 4)] == [0, 0, 0, 0]

    def test_shares_are_those_of_the_hand(self) -> None:
        """Eight words, two fragments of three words and one of one: `the old ship`, `left the port`, `day`."""
        found = traits(SOURCE, "The old ship slowly left the port. Day!")
        assert found["words"] == 8
        assert found["copied"] == pytest.approx(7 / 8)
        assert found["copied_length"] == pytest.approx((9 + 9 + 1) / 8)
        assert found["novel_1"] == pytest.approx(1 / 8)
        # New are: ship slowly, slowly left, port day.
        assert found["novel_2"] == pytest.approx(3 / 7)

    def test_what_is_said_twice_is_counted(self) -> None:
        found = traits("", "it rained today it rained today it rained today")
        # Seven 3-grams, three of which are different.
        assert found["repeated_3"] == pytest.approx(4 / 7)
        assert found["novel_4"] == 1.0

    def test_words_are_of_any_script(self) -> None:
        assert traits("Корабль вышел из порта", "корабль вышел")["copied"] == 1.0

    def test_an_empty_text_has_none(self) -> None:
        assert set(traits(SOURCE, "").values()) == {0.0}
        assert mean_traits([]) == {}

    @settings(max_examples=50)
    @given(st.text("ab .", max_size=30), st.text("abc .", max_size=30))
    def test_shares_are_shares(self, source: str, text: str) -> None:
        found = traits(source, text)
        assert all(0 <= v <= 1 for n, v in found.items() if n not in ("words", "copied_length"))
        assert found["copied"] <= found["copied_length"] <= max(found["words"], 0)
        assert found["copied"] == pytest.approx(1 - found["novel_1"]) or not found["words"]


class TestBaselines:
    def test_the_lead_is_the_first_sentences_over_lines(self) -> None:
        assert lead("It rained. It poured!\n\nThe end. More.") == "It rained.\nIt poured!\nThe end."

    def test_are_scored_as_a_model_is(self) -> None:
        records = [
            news_record(0, "A ship left. It rained. Day came. Night.", "A ship left.\nIt rained.")
        ]
        found = baselines(records)
        assert found["lead_3"]["rouge1"] == pytest.approx(2 * 5 / (7 + 5))
        # As many words as the reference has.
        assert found["first_words"]["rougeLsum"] == 1.0

    def test_are_none_without_records(self) -> None:
        assert baselines([]) == {}
