"""A picker that is loaded in a thread while its user reads waveforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from epicat.pick.pick_options import Precision
from epicat.pick.picker import F32, Picker, PickerInfo, Stretch

__all__ = ["LoadingPicker"]


class LoadingPicker(Picker):
    """Waits for the picker that a thread loads when probabilities are wanted, not earlier.

    What loading raises is raised then, each time.
    """

    def __init__(
        self, load: Callable[[], Picker], info: PickerInfo, precision: Precision, threads: int
    ) -> None:
        """Start to load; ``info`` and ``precision`` are those of the picker to come."""
        self.info = info
        self.precision = precision
        self.threads = threads
        with_one_thread = ThreadPoolExecutor(1)
        self._loading = with_one_thread.submit(load)
        with_one_thread.shutdown(wait=False)

    def use_threads(self, threads: int) -> None:
        """Compute so many batches at once from now on."""
        self.threads = threads

    def probabilities(self, windows: F32) -> F32:
        """Return the probabilities of the picker that is loaded."""
        return self._loaded().probabilities(windows)

    def of_stretches(
        self, stretches: Sequence[Stretch], thresholds: Mapping[str, float], batch: int
    ) -> Iterator[F32]:
        """Return the probabilities of the picker that is loaded."""
        return self._loaded().of_stretches(stretches, thresholds, batch)

    def _loaded(self) -> Picker:
        picker = self._loading.result()
        picker.use_threads(self.threads)
        return picker
