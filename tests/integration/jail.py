# SPDX-License-Identifier: BSD-3-Clause
"""What sriov-vmm called (jail_record) beside what it may call (sriov-vmm --syscalls)."""
import subprocess


class Row:
    def __init__(self, line):
        kinds, self.name, number, self.condition, self.where, self.reason = line.split("\t")
        self.kinds, self.nr = set(kinds.split(",")), int(number)

    def takes(self, kind, nr, args):
        # a thread that starts is still below the filter of the one that started it: all rows
        if nr != self.nr or kind not in self.kinds | {"start"}:
            return False
        if self.condition == "-" or self.condition.endswith("=self"):
            return True
        at, rest = self.condition.split("&")
        mask, value = (int(x, 16) for x in rest.split("="))
        return args[int(at)] & mask == value

    def __str__(self):
        return f"{self.name} {self.condition} of {','.join(sorted(self.kinds))} ({self.reason})"


def table(program):
    text = subprocess.run([program, "--syscalls"], check=True, capture_output=True, text=True).stdout
    return [Row(line) for line in text.splitlines()]


def calls(path):
    with open(path, encoding="ascii") as f:
        lines = {line for line in f if line.endswith("\n")}
    words = [line.split() for line in sorted(lines)]
    return [(w[0], int(w[1]), [int(x, 16) for x in w[2:5]]) for w in words]


def compare(rows, recorded):
    """Calls without a row; (kind, row) that nobody used and that are not needed elsewhere."""
    unlisted = [f"thread {kind}: call {nr} {[hex(a) for a in args]}" for kind, nr, args in recorded
                if not any(row.takes(kind, nr, args) for row in rows)]
    unused = [f"{kind}: {row}" for row in rows if row.where == "here" for kind in sorted(row.kinds)
              if not any(row.takes(k, nr, args) for k, nr, args in recorded if k == kind)]
    return unlisted, unused
