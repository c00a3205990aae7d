"""How a figure reads: the same strings for the terminal and for Markdown. A dash stands for what there is not."""

from __future__ import annotations

from inceptionctl.report.findings import Rung
from inceptionctl.report.runs import InverseRms
from inceptionctl.report.statistics import Difference, Summary

DASH = "-"


def number(value: float | None) -> str:
    """An error as the papers print it: to one decimal, or to more where the paper has more."""
    return DASH if value is None else max(f"{value:.1f}", f"{value:g}", key=len)


def signed(value: float | None) -> str:
    text = number(value)
    return f"+{text}" if value is not None and value > 0 else text


def metric(count: float) -> str:
    """A count to three digits in thousands, millions or milliards: 5155055808 is 5.16 G."""
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
    """What RMSProp makes of the rate: factors of 1 / sqrt(v + eps)."""
    return DASH if one is None else f"{_four(one.mean)} [{_four(one.p1)}, {_four(one.p99)}]"


def _four(value: float) -> str:
    """To four digits."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.4g}"


def change(rung: Rung | None) -> str:
    if rung is None or rung.difference is None:
        return DASH
    return f"{rung.difference.change:+.2f} {interval(rung.difference)}"


def verdict(rung: Rung | None) -> str:
    if rung is None or rung.verdict is None:
        return DASH
    one_seed = rung.difference is not None and not rung.difference.seeds_resampled
    return f"{rung.verdict} (1 seed)" if one_seed else rung.verdict
