"""Every error survives the way back from a worker process."""

from __future__ import annotations

import inspect
import pickle
import pkgutil
from importlib import import_module

import pytest

import epicat
from epicat.errors import EpicatError

SAMPLES = {"Iterable[str]": ["PhaseNet", "GPD"], "bool": True, "int": 7, "float": 1.5}


def every_class():
    for module in pkgutil.walk_packages(epicat.__path__, "epicat."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found, todo = {EpicatError}, [EpicatError]
    while todo:
        for kind in todo.pop().__subclasses__():
            if kind not in found:
                found.add(kind)
                todo.append(kind)
    return sorted(found, key=lambda kind: f"{kind.__module__}.{kind.__name__}")


def has_own_constructor(kind):
    return inspect.isfunction(kind.__init__)


def sample(kind):
    """Return an error made by its own constructor, with a value for each parameter."""
    if not has_own_constructor(kind):
        return kind("what went wrong: 'a value'")
    positional, named = [], {}
    for parameter in list(inspect.signature(kind).parameters.values()):
        value = SAMPLES.get(str(parameter.annotation), "a text")
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        else:
            positional.append(value)
    return kind(*positional, **named)


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_an_error_is_the_same_after_pickling(kind, protocol):
    error = sample(kind)
    error.add_note("a note")
    copy = pickle.loads(pickle.dumps(error, protocol))
    assert type(copy) is kind
    assert (str(copy), copy.args, copy.exit_code) == (str(error), error.args, error.exit_code)
    assert vars(copy) == vars(error)
    assert copy.__notes__ == ["a note"]


def test_there_are_errors_with_constructors_of_their_own():
    """So that the test above covers what an ordinary exception would break."""
    assert len([kind for kind in every_class() if has_own_constructor(kind)]) >= 3
