"""`python3 app.py` starts Likeness, `python3 app.py --help` says more, `python3 app.py test` tests it.

The first start makes an environment of its own in `.venv`. Any Python 3 can read this file, so that one
that is too old is told so. The worker process runs its top level, too: nothing is imported there.
"""

import sys

NEEDED = (3, 11)


def main():
    """Exit code: see `studio.main`."""
    if sys.version_info < NEEDED:
        print(
            "Likeness needs Python %d.%d or newer; this is %d.%d." % (NEEDED + sys.version_info[:2])
            + " Install one from https://www.python.org/downloads and start again with it.",
            file=sys.stderr,
        )
        return 2
    from studio.bootstrap import start

    return start(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
