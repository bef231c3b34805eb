# SPDX-License-Identifier: Apache-2.0
"""Looking at a painter while it is trained: held-out figures, and painted samples beside what they should be."""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from genima.contract.spec import PolicySpec
from genima.painter.painter import Painter
from genima.painter.standard_pipeline import StableDiffusionControlNetPipeline
from genima.train.samples import Samples
from genima.train.workshop import Workshop

Measure = Callable[[Painter], Mapping[str, float | None]]
MOMENTS = 3


class Watch:
    """Paints a few moments with a pipeline as it is, and measures it."""

    def __init__(
        self,
        spec: PolicySpec,
        pipeline: StableDiffusionControlNetPipeline,
        samples: Samples,
        workshop: Workshop,
        measure: Measure | None = None,
    ) -> None:
        """Watch a pipeline that others train; `measure` gives figures of it, none if None."""
        self._spec, self._pipeline, self._samples = spec, pipeline, samples
        self._workshop, self._measure = workshop, measure

    def of(self, stage: str) -> Callable[[int], Mapping[str, float | None]]:
        """Return what a stage calls with its step; it shows images under the stage's name and returns the figures."""

        def look(step: int) -> Mapping[str, float | None]:
            with torch.random.fork_rng(devices=[]):
                painter = Painter(self._spec, self._pipeline, str(self._workshop.accelerator.device))
                self._workshop.show(stage, step, 'seen_painted_meant', self._sheet(painter))
                return self._measure(painter) if self._measure is not None else {}

        return look

    def _sheet(self, painter: Painter) -> np.ndarray:
        """Return an image of rows: views, painted views and target views of a few moments."""
        rows = []
        for index in map(int, np.unique(np.linspace(0, len(self._samples) - 1, MOMENTS).astype(int))):
            views = self._samples.views[index]
            painted = painter.paint(views, self._samples.instruction_of(index))
            for each in (views, painted, self._samples.target_views(index)):
                rows.append(np.concatenate(list(each), axis=1))
        return np.concatenate(rows, axis=0)
