"""How figures are printed, alike on the terminal and in Markdown. A dash stands for a missing figure."""

from __future__ import annotations

from inceptionctl.report.findings import MetricFigures, Rung
from inceptionctl.report.runs import InverseRms
from inceptionctl.report.statistics.change import Difference
from inceptionctl.report.statistics.summary import Summary
from inceptionctl.tables.metric import Metric

DASH = "-"
FINAL = Metric("final")


def number(value: float | None) -> str:
    """An error as the papers print it: with one decimal, or with more if the paper has more."""
    return DASH if value is None else max(f"{value:.1f}", f"{value:g}", key=len)


def signed(value: float | None) -> str:
    """A change of an error in points, or of a number of steps, which is more than any error."""
    if value is not None and abs(value) > 100:
        return f"{'+' if value > 0 else '-'}{metric(abs(value))}"
    text = number(value)
    return f"+{text}" if value is not None and value > 0 else text


def metric(count: float) -> str:
    """A count with three digits in thousands, millions or billions: 5155055808 is 5.16 G."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        scaled = float(f"{count / size:.3g}")
        if scaled >= 1:
            return f"{scaled:.{max(0, 3 - len(str(int(scaled))))}f} {letter}"
    return f"{count:g}"


def in_words(unit: Metric) -> str:
    """What the values are, for the title of a column."""
    if unit.name == "steps_to":
        return f"steps to {unit.error:g} %"
    return {"final": "top-1", "area_under_curve": "mean top-1", "steps_per_second": "steps/s"}[unit.name]


def axis_label(unit: Metric) -> str:
    """The values with their unit."""
    if unit.name == "steps_to":
        return f"training steps to a top-1 error of {unit.error:g} %"
    return {
        "final": "top-1 error, %",
        "area_under_curve": "mean top-1 error over the run, %",
        "steps_per_second": "training steps per second",
    }[unit.name]


def change_unit(unit: Metric) -> str:
    """Of differences."""
    return "points" if unit.is_error else unit.unit


def quantity(value: float, unit: Metric, sign: str = "") -> str:
    """A value of a metric, or with the `sign` + a change of one."""
    return f"{value:{sign},.0f}" if unit.unit == "steps" else f"{value:{sign}.2f}"


def spread(one: Summary | None, unit: Metric = FINAL) -> str:
    if one is None:
        return DASH
    mean = quantity(one.mean, unit)
    return f"{mean} (1 seed)" if one.sd is None else f"{mean} ± {quantity(one.sd, unit)} ({one.n})"


def figures(one: MetricFigures | None) -> str:
    """Mean and sd over the seeds; of a metric that some runs never reached, how many."""
    if one is not None and one.not_reached:
        return f"not reached ({one.not_reached} of {len(one.values)})"
    return spread(one.summary, one.metric) if one else DASH


def interval(one: Summary | Difference | None, unit: Metric = FINAL) -> str:
    if one is None or one.low is None or one.high is None:
        return DASH
    sign = "+" if isinstance(one, Difference) else ""
    return f"[{quantity(one.low, unit, sign)}, {quantity(one.high, unit, sign)}]"


def rates(one: InverseRms | None) -> str:
    """RMSProp's factors on the learning rate, 1 / sqrt(v + eps)."""
    return DASH if one is None else f"{_four_digits(one.mean)} [{_four_digits(one.p1)}, {_four_digits(one.p99)}]"


def _four_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:#.4g}"


def change(rung: Rung | None, unit: Metric = FINAL) -> str:
    return difference(rung.difference if rung else None, unit)


def difference(one: Difference | None, unit: Metric = FINAL) -> str:
    """With the interval, if there is one."""
    if one is None:
        return DASH
    text = quantity(one.change, unit, "+")
    return text if one.low is None else f"{text} {interval(one, unit)}"


def verdict(rung: Rung | None) -> str:
    if rung is None or rung.verdict is None:
        return DASH
    one_seed = rung.difference is not None and rung.difference.one_seed
    return f"{rung.verdict} (1 seed)" if one_seed else rung.verdict


def probability(p: float | None) -> str:
    if p is None:
        return DASH
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
