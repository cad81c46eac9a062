"""
The worker: converts Python models with the PyTorch of the Python that runs it. Started as `python main.py` by a build.

It speaks JSON, one text per line. It reads requests where its standard input was, and writes messages where its
standard output was, on descriptors of its own that models can't reach: what they read is empty, and what they print
goes to standard error. It ends at once when the requests end, so it never outlives the build.
"""

import faulthandler
import os
import signal
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def private_channel():
    """
    The pipes that the build opened, as (requests, messages), out of reach of everything that uses the standard ones.
    """
    requests, messages = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return (
        os.fdopen(requests, "r", encoding="utf-8", newline="\n"),
        os.fdopen(messages, "w", encoding="utf-8", newline="\n", buffering=1),
    )


def main():
    requests, messages = private_channel()
    faulthandler.enable()
    # A build that has waited too long asks by this signal where the model is.
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1)
    # Reading a project must not leave files in it.
    sys.dont_write_bytecode = True
    from petal_worker.server import serve

    # Modules of a project may have the names of files beside this one.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or os.curdir) != FOLDER]
    serve(requests, messages)


if __name__ == "__main__":
    main()
