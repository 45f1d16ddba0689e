"""The ways in which a project's logging set-up can silence livekit's log."""

import logging
import logging.config
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOGGER = logging.getLogger("livekit.agents")


class Mute(logging.Logger):
    """Says nothing."""

    def _log(self, *_args: object, **_given: object) -> None:
        pass


def _clear_handlers() -> None:
    _LOGGER.handlers.clear()
    logging.getLogger("livekit").handlers.clear()


def _stop_propagation() -> None:
    _LOGGER.propagate = False
    _clear_handlers()


def _raise_level() -> None:
    _LOGGER.setLevel(logging.CRITICAL + 1)


def _filter_all() -> None:
    _LOGGER.addFilter(lambda _record: False)


def _replace_class() -> None:
    _LOGGER.__class__ = Mute


SILENCERS: dict[str, Callable[[], None]] = {
    "dictConfig": lambda: logging.config.dictConfig({"version": 1}),
    "disable": lambda: logging.disable(logging.CRITICAL),
    "no handlers": _clear_handlers,
    "no propagation": _stop_propagation,
    "level": _raise_level,
    "filter": _filter_all,
    "logger class": _replace_class,
}


@contextmanager
def silenced(way: str) -> Iterator[None]:
    """Silence livekit's log, and restore it."""
    with restored():
        SILENCERS[way]()
        yield


@contextmanager
def restored() -> Iterator[None]:
    """Restore the whole logging set-up afterwards."""
    manager = logging.root.manager
    loggers = [each for each in manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [
        (each, each.disabled, each.propagate, each.level, [*each.handlers], [*each.filters])
        for each in [logging.root, *loggers]
    ]
    kind, disabled_at = type(_LOGGER), manager.disable
    try:
        yield
    finally:
        _LOGGER.__class__ = kind
        for each, disabled, propagate, level, handlers, filters in before:
            each.disabled, each.propagate = disabled, propagate
            each.handlers[:], each.filters[:] = handlers, filters
            each.setLevel(level)
        logging.disable(disabled_at)
