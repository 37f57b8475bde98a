"""YAML that somebody else wrote: plain data, and one kind of error whatever is wrong with it."""

from __future__ import annotations

from typing import Any

import yaml


def parse(text: str) -> Any:
    """What the YAML says. Raises ValueError, which says why in one line, whatever PyYAML makes of it.

    A value marked as a number, a date or a switch that is none raises nearly anything.
    """
    try:
        return yaml.safe_load(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError) as error:
        said = str(error) if isinstance(error, yaml.YAMLError | ValueError) else ""
        raise ValueError(" ".join(said.split()) or "a value is not what it is marked as") from error
