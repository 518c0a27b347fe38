"""Statute and base-rate files that nobody would write: one clear sentence with file, line and key, and never a traceback."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from detector.statute import MOST_FAULTS, ProfileError, load_profile
from detector.typicality import BaseRateError, load_reference
from pipelines import statutes
from pipelines.errors import UserError
from tests.test_base_rates import SMALL
from tests.test_statute import GOOD

LONG, HUGE = "1" * 5000, str(10**30)

#: what is broken in a statute: (text that is replaced, what stands there then, words of the only fault)
STATUTE = {
    "more digits than Python reads": ("value = 21600", f"value = {LONG}", "xx-1.toml, line 28: a number is too long"),
    "a number beyond all arithmetic": ("value = 21600", f"value = {HUGE}", "parameters.occasion_window_s.value: must be a whole number"),
    "not a number": ("value = 21600", "value = nan", "parameters.occasion_window_s.value: must be a whole number"),
    "a share beyond all arithmetic": ("value = [1, 4]", f"value = [{HUGE}, 4]", "parameters.overtaken_share.value: must be a pair"),
    "a threshold beyond all arithmetic": ('"acts"\n  threshold = ">= 2"', f'"acts"\n  threshold = ">= {HUGE}"', "is no comparison"),
    "other digits": ('threshold = ">= 2"', 'threshold = ">= ٣"', "is no comparison"),
    "a level beyond all arithmetic": ("levels = [[2, 1], [5, 4]]", f"levels = [[2, 1], [{HUGE}, 4]]", "pair of whole numbers"),
    "points beyond all arithmetic": ("levels = [[2, 1], [5, 4]]", f"levels = [[2, 1], [5, {HUGE}]]", "pair of whole numbers"),
    "an id that is a path": ('id = "xx-1"', 'id = "../../x"', "statute.id: must be small letters"),
    "an id that speaks to the terminal": ('id = "xx-1"', 'id = "a\\u001b[31m"', "statute.id: must be small letters"),
    "no id": ('id = "xx-1"', 'id = ""', "statute.id: must be small letters"),
    "a key that speaks to the terminal": ('country = "XX"', 'country = "XX"\n"a\\u001b[31m" = 1', "statute.a\\u001b[31m: unknown key"),
    "a need with a line end": ('need = "required"', 'need = "alternative:x\\n"', "element.0.need"),
    "a key twice": ('country = "XX"', 'country = "XX"\ncountry = "YY"', "is no TOML: Cannot overwrite a value (at line 4"),
    "no such day": ("valid_from = 2025-01-01", "valid_from = 2025-02-30", "is no TOML"),
    "a key of very many parts": ('country = "XX"', f"country{'.a' * 20_000} = 1", "line 3: the key has too many parts"),
}  # fmt: skip


@pytest.mark.parametrize("what", STATUTE)
def test_a_statute_is_refused_in_one_sentence(what: str) -> None:
    was, now, words = STATUTE[what]
    assert was in GOOD
    with pytest.raises(ProfileError) as raised:
        load_profile(GOOD.replace(was, now, 1).encode(), "xx-1.toml")
    told = [f for f in raised.value.faults if "needs at least one threshold" not in f]
    assert len(told) == 1 and words in told[0] and told[0].startswith("xx-1.toml"), told
    assert len(told[0]) < 4_000 and told[0].isprintable()


BASE_RATE = {
    "more digits than Python reads": ("known = 40", f"known = {LONG}", "small.toml, line 33: a number is too long"),
    "more contacts than people": ("contacts = 50", f"contacts = {HUGE}", "reference.contacts: must be a whole number"),
    "a cut beyond all arithmetic": ("at = [0, 2, 8]", f"at = [0, 2, {HUGE}]", "must be a list of whole numbers"),
    "not a number": ("period_days = 10", "period_days = nan", "reference.period_days: must be a whole number"),
    "a date for a number": ("period_days = 10", "period_days = 2020-01-01", "reference.period_days: must be a whole number"),
}  # fmt: skip


@pytest.mark.parametrize("what", BASE_RATE)
def test_a_base_rate_file_is_refused_in_one_sentence(what: str) -> None:
    was, now, words = BASE_RATE[what]
    assert was in SMALL
    with pytest.raises(BaseRateError) as raised:
        load_reference(SMALL.replace(was, now, 1).encode(), "small.toml")
    assert words in raised.value.faults[0], raised.value.faults


@pytest.mark.parametrize("load", [load_profile, load_reference])
@pytest.mark.parametrize(
    "text", ["x = '''" + "y" * 2_000_000 + "'''", "a." * 100_000 + "b = 1", "[" * 200_000, "\n" * 249_999]
)
def test_a_file_of_megabytes_is_refused_at_once(load: object, text: str) -> None:
    begin = time.perf_counter()
    with pytest.raises((ProfileError, BaseRateError), match=r"^big\.toml"):
        load(text.encode(), "big.toml")  # type: ignore[operator]
    assert time.perf_counter() - begin < 5


def test_a_file_of_faults_is_told_in_part() -> None:
    text = GOOD.replace('country = "XX"', 'country = "XX"\n' + "\n".join(f"k{i} = 1" for i in range(15_000)))
    begin = time.perf_counter()
    with pytest.raises(ProfileError) as raised:
        load_profile(text.encode(), "xx-1.toml")
    assert len(raised.value.faults) == MOST_FAULTS + 1
    assert raised.value.faults[-1] == "xx-1.toml: and more faults, which are not told"
    assert time.perf_counter() - begin < 10


def test_a_statute_of_no_zone_and_two_of_one_id_are_refused(tmp_path: Path) -> None:
    one, two = tmp_path / "a.toml", tmp_path / "b.toml"
    one.write_text(GOOD.replace("Asia/Almaty", "../../etc/localtime"), encoding="utf-8")
    with pytest.raises(
        UserError, match=r"^a\.toml, line 6, statute\.timezone: '\.\./\.\./etc/localtime' is no time zone"
    ):
        statutes.read([one])
    for path in (one, two):
        path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(UserError, match=r"^b\.toml: another statute has the id 'xx-1' too"):
        statutes.read([one, two])
    assert statutes.read([two]).keys() == {"xx-1"}
