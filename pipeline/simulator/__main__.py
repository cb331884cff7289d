"""`python -m pipeline.simulator`: the simulator alone."""

import typer

from .cli import simulator

typer.run(simulator)
