# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have."""

from typing import Annotated

import typer

SimulatorOption = Annotated[str, typer.Option(help='mujoco, that of another package, or ws://host:port of a served one.')]
SimulatorTokenOption = Annotated[
    str, typer.Option(help='Token of a served simulator that needs one.', envvar='GENIMA_SIMULATOR_TOKEN')
]
