# SPDX-License-Identifier: BSD-3-Clause
"""Comparing VMMs that boot the same guest in turn: private memory, ratios within a round, their interval."""
import json
import pathlib
import random
import re
import socket
import statistics
import time

RESAMPLES = 2000
LEVEL = 0.95


def private_kib(pid):
    """Without guest RAM, which is a memfd of its own for all of them."""
    kib, counts = 0, True
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match("[0-9a-f]+-[0-9a-f]+ ", line):
            counts = "memfd:" not in line
        elif counts and line.startswith("Private_"):
            kib += int(line.split()[1])
    return kib


class Qmp:
    """QEMU's control socket, from when its machine is made on."""

    def __init__(self, path, until, process):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.001)
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.call("qmp_capabilities")
        # answered by the main loop: the machine is made then
        self.call("query-status")

    def call(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        answer = json.loads(self.file.readline())
        while "event" in answer:
            answer = json.loads(self.file.readline())
        return answer.get("return")

    def exits(self):
        """KVM's count of all exits: the same statistics that sriov-vmm reads."""
        vcpus = self.call("query-stats", target="vcpu") or []
        return sum(s["value"] for vcpu in vcpus for s in vcpu["stats"] if s["name"] == "exits")

    def close(self):
        self.file.close()
        self.socket.close()


def interval(values):
    """Of the median, by drawing from the values again and again; the same for the same values."""
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    cut = int(RESAMPLES * (1 - LEVEL) / 2)
    return medians[cut], medians[-1 - cut]


def ratios(ours, theirs, key):
    """Of those rounds that both have; a figure of 0 is one that could not be had."""
    return [ours[n][key] / theirs[n][key] for n in ours if n in theirs and ours[n][key] and theirs[n][key]]


def compare(seen, own, keys, **parameters):
    """Print medians and, of every other VMM, the ratio to it; {(vmm, key): median ratio}.

    seen: {vmm: {round: {key: figure}}}.
    """
    found = {}
    print(f"{'':14}" + "".join(f"{key:>16}" for key in keys))
    for name, rounds in seen.items():
        cells = [f"{statistics.median(r[key] for r in rounds.values()):16.1f}" if rounds else f"{'-':>16}"
                 for key in keys]
        print(f"{name:14}" + "".join(cells), flush=True)
    for name in seen:
        for key in keys:
            values = ratios(seen[own], seen[name], key) if name != own else []
            if not values:
                continue
            low, high = interval(values)
            found[name, key] = statistics.median(values)
            print(json.dumps({"metric": f"{own} / {name}", "what": key, "unit": "1",
                              "value": round(found[name, key], 4), "low": round(low, 4),
                              "high": round(high, 4), "level": LEVEL, "rounds": len(values),
                              "goal": 0.5, **parameters}), flush=True)
    return found
