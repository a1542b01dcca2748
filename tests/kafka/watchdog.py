"""Runs a command for as long as whoever started this lives: `watchdog.py FOLDER COMMAND…`.

Standard input tells: a line `pause` stops the command where it is and `resume` lets it go on; `stop` or `kill` ends it
and keeps FOLDER (for a restart); the end of the input, which comes also when the starter is killed, ends the command
and removes FOLDER.
"""

import shutil
import signal
import subprocess
import sys

_STOP_S = 60
_SIGNALS = {"pause": signal.SIGSTOP, "resume": signal.SIGCONT}


def main() -> None:
    """Run the command, obey the input."""
    folder, *command = sys.argv[1:]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        while (order := sys.stdin.readline().strip()) in _SIGNALS:
            process.send_signal(_SIGNALS[order])
        if order == "stop":
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                order = "kill"
        if order != "stop":
            process.kill()
    if not order:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
