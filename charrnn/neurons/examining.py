"""Examining: what is measured of a chosen unit, of the best layer and of the controls, and what that amounts to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.model.directions import Direction
from charrnn.model.units import Unit
from charrnn.neurons.baselines import BASELINES, Baselines
from charrnn.neurons.choosing import Choice, Layer, layers
from charrnn.neurons.columns import Columns
from charrnn.neurons.controls import UNTRAINED, Untrained
from charrnn.neurons.finding import CurvePoint, Finding, Scored, metric_of
from charrnn.neurons.measures import Labels, adjusted, average_precision, score, shift_p_value, strength
from charrnn.neurons.probes import OneMore, Rows, Step, few
from charrnn.neurons.resampling import Blocks, blocks, episodes, resampled_strengths
from charrnn.neurons.stretches import DISCOVER, REPORT
from charrnn.neurons.tasks import Task
from charrnn.neurons.verdicts import SHARE, Evidence, verdict

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Examined:
    """What was measured of a task, before the p-values of all tasks are adjusted."""

    task: Task
    choice: Choice
    measured: Labels
    over: Blocks
    values: Floats  # of the unit [D], with its sign
    layer: Layer
    predicted: Floats  # by the layer's probe [D]
    baselines: dict[str, float]  # strengths
    best_baseline: Floats  # predictions of the best one [D]
    curve: tuple[tuple[int, float], ...]
    taken: tuple[Unit, ...]  # in the order in which the curve takes them
    p_values: tuple[float, float]  # of the unit, of the layer
    direction: Direction | None = None


@dataclass(frozen=True)
class Study:
    """All that features are examined with."""

    columns: Columns
    baselines: Baselines
    stretches: npt.NDArray[np.integer]
    untrained: Mapping[str, Untrained]
    random: np.random.Generator
    directions: bool = False  # whether the directions of h that probes read are told too

    def examine(self, chosen: Sequence[tuple[Task, Choice]], half: int) -> list[Examined]:
        """Measure tasks defined at the same places, whose units were all chosen on one half, on the other."""
        tasks = [task for task, _ in chosen]
        other = REPORT if half == DISCOVER else DISCOVER
        fitted, measured = ([task.halves[side] for task in tasks] for side in (half, other))
        training = [task.training for task in tasks if task.training]
        by_text = self.baselines.predictions(fitted, measured, training)
        by_layer = layers(self.columns, tasks, half, self.stretches)
        found = [
            self._examined(task, choice, measured[number], by_text[number], by_layer[number])
            for number, (task, choice) in enumerate(chosen)
        ]
        if not self.directions:
            return found
        by_h = layers(self.columns, tasks, half, self.stretches, "h")
        return [
            replace(each, direction=self._direction(each.task.feature.name, layer, *labels))
            for each, layer, *labels in zip(found, by_h, fitted, measured, strict=True)
        ]

    def _direction(self, name: str, layer: Layer, fitted: Labels, measured: Labels) -> Direction:
        """What a layer's probe reads: its weights, brought to length 1."""
        inputs, weights = Rows(self.columns.values, layer.rows), layer.probe.weights
        probe = replace(layer.probe, weights=weights / np.linalg.norm(weights))
        projected, there = probe.predict(inputs, fitted.places), probe.predict(inputs, measured.places)
        centre, scale = float(projected.mean()), 2 * float(projected.std())
        reached = score(strength(there, measured), measured.binary)
        return Direction(name, layer.index, probe.weights, centre, scale, metric_of(measured), reached)

    def _examined(
        self, task: Task, choice: Choice, measured: Labels, by_text: dict[str, Floats], layer: Layer
    ) -> Examined:
        best, inputs = choice.best, Rows(self.columns.values, layer.rows)
        values = best.sign * self.columns.values[best.row, measured.places].astype(np.float32)
        predicted = layer.probe.predict(inputs, measured.places)
        strengths = {name: strength(prediction, measured) for name, prediction in by_text.items()}
        taken, curve = self._curve(task, choice, layer, measured)
        p_value = min(1.0, choice.looks * shift_p_value(values, measured))
        return Examined(
            task=task,
            choice=choice,
            measured=measured,
            over=blocks(measured, self.stretches[measured.places], self.random),
            values=values,
            layer=layer,
            predicted=predicted,
            baselines=strengths,
            best_baseline=by_text[max(strengths, key=lambda name: strengths[name])],
            curve=tuple((step.units, step.strength) for step in curve),
            taken=taken,
            p_values=(p_value, shift_p_value(predicted, measured)),
        )

    def _curve(self, task: Task, choice: Choice, layer: Layer, measured: Labels) -> tuple[tuple[Unit, ...], list[Step]]:
        """How well the chosen unit does, and how well with more and more units of the best layer.

        Where that is another layer, or the same one by another signal, the unit stands beside it; there it is not taken
        a second time.
        """
        row, inputs, of_layer = choice.best.row, Rows(self.columns.values, layer.rows), layer.unit_names
        if layer.rows.start <= row < layer.rows.stop:
            first = row - layer.rows.start
            taken, steps = few(layer.moments, layer.feature, layer.probe.ridge, inputs, measured, first)
            return tuple(of_layer[each] for each in taken), steps
        unit, more = self.columns.unit(row)[1], OneMore(inputs, self.columns.values, row)
        moments = layer.moments.with_one_more(more, layer.feature, task.halves[choice.chosen_on])
        same = [unit.index] if unit.layer == layer.index else []
        taken, steps = few(moments, 0, layer.probe.ridge, more, measured, len(of_layer), same)
        return tuple([*of_layer, unit][each] for each in taken), steps

    def findings(self, examined: Sequence[Examined]) -> list[Finding]:
        """Return what each amounts to, p-values being adjusted over all of them."""
        adjusted_both = [adjusted([each.p_values[kind] for each in examined]) if examined else [] for kind in (0, 1)]
        return [
            _finding(each, q_values, self.untrained.get(each.task.feature.name), self.columns)
            for each, q_values in zip(examined, zip(*adjusted_both, strict=True), strict=True)
        ]


def _finding(each: Examined, q_values: tuple[float, float], control: Untrained | None, columns: Columns) -> Finding:
    measured, binary, layer = each.measured, each.measured.binary, each.layer
    text = resampled_strengths(each.best_baseline, measured, each.over)
    by_text = max(each.baselines.values())
    own, unit_interval = _evidence(each, each.values, text, by_text, q_values[0], control.unit if control else 0.0)
    whole, layer_interval = _evidence(
        each, each.predicted, text, by_text, q_values[1], control.layer if control else 0.0
    )
    units = _units_needed(own, whole, each.curve)
    signal, unit = columns.unit(each.choice.best.row)
    said = verdict(own, whole, units, each.choice.agree)
    return Finding(
        feature=each.task.feature.name,
        kind="binary" if binary else "continuous",
        predictive=each.task.feature.predictive,
        unit=unit,
        signal=signal,
        sign=each.choice.best.sign,
        metric=metric_of(measured),
        score=score(own.strength, binary),
        low=score(unit_interval[0], binary),
        high=score(unit_interval[1], binary),
        p_value=each.p_values[0],
        q_value=own.q_value,
        average_precision=average_precision(each.values, measured) if binary else None,
        share=float(measured.values.mean()) if binary else None,
        episodes=episodes(measured),
        blocks=each.over.telling,
        chosen_on="discover" if each.choice.chosen_on == DISCOVER else "report",
        agree=each.choice.agree,
        candidates=_candidates(each, columns),
        surface_score=score(each.baselines[BASELINES[0]], binary),
        longer_score=score(each.baselines[BASELINES[1]], binary),
        counters_score=score(each.baselines[BASELINES[2]], binary),
        untrained_score=score(control.unit, binary) if control else None,
        untrained_layer_score=score(control.layer, binary) if control else None,
        baseline=_decisive(each, own, whole) if said == "baseline" else None,
        lead=own.lead,
        layer_score=score(whole.strength, binary),
        layer_low=score(layer_interval[0], binary),
        layer_high=score(layer_interval[1], binary),
        layer_signal=layer.signal,
        layer=layer.index,
        layer_ridge=layer.probe.ridge,
        layer_p_value=each.p_values[1],
        layer_q_value=whole.q_value,
        layer_lead=whole.lead,
        units_needed=units,
        curve=tuple(CurvePoint(number, score(strength, binary)) for number, strength in each.curve),
        curve_units=each.taken,
        verdict=said,
        direction=each.direction,
    )


def _evidence(
    each: Examined, values: Floats, text: Floats, by_text: float, q_value: float, untrained: float
) -> tuple[Evidence, tuple[float, float]]:
    """The evidence of a predictor, its values [D], beside the resampled strengths of what the text alone tells."""
    own, resampled = strength(values, each.measured), resampled_strengths(values, each.measured, each.over)
    interval = each.over.interval(own, resampled)
    lead = each.over.interval(own - by_text, resampled - text)[0]
    return Evidence(own, q_value, by_text, lead, interval[0], untrained), interval


def _units_needed(unit: Evidence, layer: Evidence, curve: Sequence[tuple[int, float]]) -> int | None:
    """How many units have SHARE of what the layer has: the chosen one, or so many of those on the curve."""
    needed = SHARE * layer.strength
    if unit.strength >= needed:
        return 1
    return next((max(2, number) for number, strength in curve if strength >= needed), None)


def _decisive(each: Examined, unit: Evidence, layer: Evidence) -> str:
    """The control that is no worse than what was found: what the text tells, or else the untrained network."""
    best = layer if layer.found else unit
    return UNTRAINED if best.beats_the_text else max(each.baselines, key=lambda name: each.baselines[name])


def _candidates(each: Examined, columns: Columns) -> tuple[Scored, ...]:
    found = []
    for one in each.choice.candidates:
        signal, unit = columns.unit(one.row)
        discover, report = (score(strength, each.measured.binary) for strength in one.strengths)
        found.append(Scored(unit, signal, one.sign, discover, report))
    return tuple(found)
