"""How figures are printed, alike on the terminal and in Markdown. A dash stands for a missing figure."""

from __future__ import annotations

from inceptionctl.report.findings import Rung
from inceptionctl.report.runs import InverseRms
from inceptionctl.report.statistics.change import Difference
from inceptionctl.report.statistics.summary import Summary

DASH = "-"


def number(value: float | None) -> str:
    """An error as the papers print it: with one decimal, or with more if the paper has more."""
    return DASH if value is None else max(f"{value:.1f}", f"{value:g}", key=len)


def signed(value: float | None) -> str:
    text = number(value)
    return f"+{text}" if value is not None and value > 0 else text


def metric(count: float) -> str:
    """A count with three digits in thousands, millions or billions: 5155055808 is 5.16 G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        scaled = float(f"{count / size:.3g}")
        if scaled >= 1:
            return f"{scaled:.{max(0, 3 - len(str(int(scaled))))}f} {letter}"
    return f"{count:g}"


def spread(one: Summary | None) -> str:
    if one is None:
        return DASH
    return f"{one.mean:.2f} (1 seed)" if one.sd is None else f"{one.mean:.2f} ± {one.sd:.2f} ({one.n})"


def interval(one: Summary | Difference | None) -> str:
    if one is None or one.low is None or one.high is None:
        return DASH
    form = "+.2f" if isinstance(one, Difference) else ".2f"
    return f"[{one.low:{form}}, {one.high:{form}}]"


def rates(one: InverseRms | None) -> str:
    """RMSProp's factors on the learning rate, 1 / sqrt(v + eps)."""
    return DASH if one is None else f"{_four_digits(one.mean)} [{_four_digits(one.p1)}, {_four_digits(one.p99)}]"


def _four_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.4g}"


def change(rung: Rung | None) -> str:
    if rung is None or rung.difference is None:
        return DASH
    return f"{rung.difference.change:+.2f} {interval(rung.difference)}"


def verdict(rung: Rung | None) -> str:
    if rung is None or rung.verdict is None:
        return DASH
    one_seed = rung.difference is not None and rung.difference.one_seed
    return f"{rung.verdict} (1 seed)" if one_seed else rung.verdict
