"""Runs a command for as long as whoever started this lives: `watchdog.py FOLDER COMMAND…`.

Standard input tells: a line `stop` or `kill` ends the command and keeps FOLDER (for a restart); the end of the input,
which comes also when the starter is killed, ends the command and removes FOLDER.
"""

import shutil
import subprocess
import sys

_STOP_S = 20


def main() -> None:
    """Run the command, obey the input."""
    folder, *command = sys.argv[1:]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        order = sys.stdin.readline().strip()
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
