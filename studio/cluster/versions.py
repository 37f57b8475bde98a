"""What must be the same on all machines of a cluster: a job makes the same picture wherever it is made.

`of_this_machine` travels as it is to machines that may have another Likeness, or none: it needs only what
every Python has.
"""

from __future__ import annotations

from collections.abc import Mapping


def of_this_machine() -> dict[str, str]:
    """Version by name, without the part that names a build (+cpu, +cu130); "" where it is not installed."""
    import importlib
    import importlib.metadata

    found: dict[str, str] = {}
    for name in ("torch", "diffusers", "transformers"):
        try:
            found[name] = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    try:
        found["Likeness"] = importlib.import_module("studio").__version__
    except (ImportError, AttributeError):
        found["Likeness"] = ""
    return found


def refusal(machine: str, theirs: Mapping[str, str], ours: Mapping[str, str]) -> str | None:
    """Why a machine is not used, naming both versions; None where they are the same."""
    differing = [name for name in ours if theirs.get(name, "") != ours[name]]
    if not differing:
        return None
    if not theirs.get("Likeness"):
        return (
            f"{machine} is not used: the Python that runs Ray there has no Likeness. "
            f"Install Likeness {ours['Likeness']} into it and start Ray again."
        )
    told = ", ".join(f"{name} {theirs.get(name) or '(none)'} instead of {ours[name]}" for name in differing)
    return f"{machine} is not used: it has {told}. Install the same versions on all machines."
