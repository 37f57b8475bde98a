"""The commands for pictures and their options. Standard library only: read at every start of the program."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

SHELL_COMMANDS = (
    "generate", "edit", "enlarge", "sweep", "jobs", "cancel", "models", "characters", "completion", "mcp",
)  # fmt: skip
CODES = (
    "exit codes: 0 done; 1 the job failed or was cancelled; 2 not understood; 3 no studio; "
    "4 refused by the studio; 130 Ctrl-C (the job is cancelled)"
)
_EXAMPLES = {
    "generate": 'likeness generate "a woman with red hair" --seed 7 --out portrait.png',
    "edit": 'likeness edit portrait.png "give her glasses" --out - | display',
    "enlarge": "likeness enlarge portrait.png --scale 4 --out large.png",
    "sweep": 'likeness sweep "a woman" --x "guidance_scale=2..8 step 2" --y "seed=1 | 2 | 3" --out grid.png',
}
AddOptions = Callable[..., None]


def add_shell(commands: Any, add_options: AddOptions) -> None:
    """Add the sub-commands; `add_options` gives each the options that all commands have."""
    _add_makers(commands, add_options)
    listing = _command(commands, add_options, "jobs", "list jobs, newest first")
    listing.add_argument("--status", choices=("queued", "running", "done", "failed", "cancelled"))
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="so many at most (20)")
    cancel = _command(commands, add_options, "cancel", "cancel a job that waits or runs")
    cancel.add_argument("job", metavar="JOB", help="its id, or enough of its beginning")
    models = _command(commands, add_options, "models", "list models: what they can do, whether they are here")
    models.add_argument("--ready", action="store_true", help="only those that can be used now")
    _command(commands, add_options, "characters", "list the cast")
    _command(commands, add_options, "mcp", "speak with an assistant over stdin and stdout (MCP)")
    completion = commands.add_parser("completion", help="print completion for bash or zsh")
    completion.add_argument("shell", choices=("bash", "zsh"))


def _add_makers(commands: Any, add_options: AddOptions) -> None:
    generate = _command(commands, add_options, "generate", "make pictures from words")
    generate.add_argument("prompt", metavar="TEXT", help="what to draw; - reads it from the pipe")
    _add_settings(generate)

    edit = _command(commands, add_options, "edit", "change a picture")
    edit.add_argument("picture", metavar="FILE", help="the source; - reads it from the pipe")
    edit.add_argument("prompt", metavar="TEXT", help="what to change")
    edit.add_argument(
        "--mode", default="smart_edit", help="smart_edit (default), img2img, inpaint, outpaint, …"
    )
    edit.add_argument("--influence", type=float, metavar="PERCENT", help="how much of the source stays")
    edit.add_argument("--mask", metavar="FILE", help="white where the source may change")
    edit.add_argument(
        "--reference", action="append", default=[], metavar="FILE", help="a further one; can be repeated"
    )
    _add_settings(edit)

    enlarge = _command(commands, add_options, "enlarge", "make a picture larger")
    enlarge.add_argument("picture", metavar="FILE", help="the source; - reads it from the pipe")
    enlarge.add_argument("--scale", type=int, choices=(2, 4), default=2)
    enlarge.add_argument("--upscaler", metavar="ID", help="the studio's own, if left out")
    _add_output(enlarge)

    sweep = _command(
        commands, add_options, "sweep", "make a grid of pictures that differ in a setting or two"
    )
    sweep.add_argument("prompt", metavar="TEXT")
    sweep.add_argument("--x", required=True, metavar="FIELD=VALUES", help="2..8 step 2, or a | b | c")
    sweep.add_argument("--y", metavar="FIELD=VALUES")
    sweep.add_argument("--from", dest="picture", metavar="FILE", help="a source, for a mode that takes one")
    sweep.add_argument("--mode", help="text_to_image; smart_edit with --from")
    _add_settings(sweep)


def _command(commands: Any, add_options: AddOptions, name: str, words: str) -> argparse.ArgumentParser:
    example = _EXAMPLES.get(name)
    parser = commands.add_parser(
        name,
        help=words,
        description=f"{words[0].upper()}{words[1:]}, with a running studio or one that is started for it.",
        epilog="; ".join(filter(None, (example and f"example: {example}", CODES))),
        allow_abbrev=False,
    )
    add_options(parser, default=argparse.SUPPRESS)
    parser.add_argument("--url", help="a running studio (else the one on --data-dir, else one for this call)")
    token = "its first line is the token of a studio with a door (or LIKENESS_TOKEN)"
    parser.add_argument("--token-file", default=argparse.SUPPRESS, metavar="FILE", help=token)
    certificate = "the certificate a studio with https must show, where no authority signed it"
    parser.add_argument("--tls-cert", default=argparse.SUPPRESS, metavar="FILE", help=certificate)
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", metavar="ID", help="see `likeness models`; the mode's usual one, if left out")
    add("--negative", dest="negative_prompt", metavar="TEXT", help="what must not be in it")
    add("--guidance", dest="guidance_scale", type=float, metavar="N", help="how closely to follow the words")
    add("--steps", dest="num_inference_steps", type=int, metavar="N")
    add("--seed", type=int, metavar="N", help="the same picture again")
    add("--size", metavar="WxH", help="pixels the model works at, as 832x1216")
    add("--aspect", dest="aspect_ratio", metavar="W:H", help="or a shape, as 3:4")
    add("-n", "--number", dest="num_images", type=int, metavar="N", help="pictures (1)")
    add("--finish", type=int, choices=(1, 2, 4), help="enlarge what comes so many times")
    add("--character", metavar="NAME", help="a character of the cast, by name or id")
    add("--set", dest="more", action="append", default=[], metavar="FIELD=JSON", help="any other field")
    _add_output(parser)


def _add_output(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--out", metavar="FILE", help="file, or folder for several; - writes to the pipe (this folder)")
    add("--force", action="store_true", help="write over files that exist")
    add("--quiet", action="store_true", help="no progress")
