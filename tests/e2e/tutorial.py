"""Makes the outputs in specs/tutorial.md anew: tutorial.py TUTORIAL >NEW

Every line of an indented block that begins with `$` is a command, what follows is its output. All commands are
run, in order, in the current folder; each has to end with status 0. Of those that begin with `ana` the output is
written anew; `...` stands for lines that are left out, and as many stay in front of it and behind it as there
were. Others (rec, make), and what reads a trace that was just recorded, never say the same twice: their output
stays. Where recording is not possible, TUTORIAL_NO_REC=1 leaves them out.
"""

import os
import subprocess
import sys

INDENT = "    "


recorded = set()


def run(command):
    words = command.split()
    first = words[0]
    fresh = first == "make" or first == "rec" or any(w in recorded for w in words)
    if first == "rec":
        recorded.add(words[words.index("-o") + 1])
    if os.environ.get("TUTORIAL_NO_REC") and fresh:
        return None
    done = subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )
    output = done.stdout.decode()
    if done.returncode:
        sys.exit(f"status {done.returncode}: {command}\n{output}")
    return output.splitlines() if first == "ana" and not fresh else None


def shortened(output, shown):
    if "..." not in shown:
        return output
    head = shown.index("...")
    tail = len(shown) - head - 1
    return output[:head] + ["..."] + (output[-tail:] if tail else [])


def with_new_outputs(block):
    """Lines of one block without the indent."""
    result, i = [], 0
    while i < len(block):
        result.append(block[i])
        if not block[i].startswith("$ "):
            i += 1
            continue
        command = block[i][2:]
        while block[i].endswith("\\"):
            i += 1
            result.append(block[i])
            command += "\n" + block[i]
        i += 1
        shown = []
        while i < len(block) and not block[i].startswith("$ "):
            shown.append(block[i])
            i += 1
        blanks = 0
        while shown and not shown[-1]:
            shown.pop()
            blanks += 1
        output = run(command)
        result += (shown if output is None else shortened(output, shown)) + [""] * blanks
    return result


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        lines = f.read().split("\n")
    i = 0
    while i < len(lines):
        if not lines[i].startswith(INDENT):
            print(lines[i], end="\n" if i < len(lines) - 1 else "")
            i += 1
            continue
        block = []
        while i < len(lines) and (lines[i].startswith(INDENT) or not lines[i]):
            block.append(lines[i][len(INDENT):])
            i += 1
        while not block[-1]:
            block.pop()
            i -= 1
        for line in with_new_outputs(block):
            print((INDENT + line).rstrip())


main()
