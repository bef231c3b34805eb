# SPDX-License-Identifier: Apache-2.0
"""What uvicorn and asyncio complain about goes to the node, which counts it and writes it down now and then."""

import logging
import traceback
from collections.abc import Callable

LOGGERS = ('uvicorn.error', 'asyncio')
BUG = 'Exception in ASGI application'  # everything else is what a client sent


class TroubleHandler(logging.Handler):
    """Hands warnings over as one sentence each; what is our own mistake comes with its traceback.

    Args:
        on_trouble: is told.
    """

    def __init__(self, on_trouble: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._on_trouble = on_trouble

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record over."""
        text = record.getMessage().strip()
        if text == BUG and record.exc_info and record.exc_info[1] is not None:
            text += '\n' + ''.join(traceback.format_exception(record.exc_info[1]))
        self._on_trouble(text)

    def begin(self) -> None:
        """Listen from now on, instead of the standard error output."""
        for name in LOGGERS:
            logging.getLogger(name).addHandler(self)
            logging.getLogger(name).propagate = False

    def end(self) -> None:
        """Listen no more."""
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self)
            logging.getLogger(name).propagate = True
