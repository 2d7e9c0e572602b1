# SPDX-License-Identifier: BSD-3-Clause
"""What sriov-vmm and soft-nic called (jail_record) beside what they may call (--syscalls)."""
import fcntl
import json
import os
import socket
import struct
import subprocess

import harness
from harness import check

TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 0x400454CA, 2, 0x1000, 0x4000, 0x100


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


def compare(rows, recorded, where):
    """Calls without a row; (kind, row) that nobody used and that are to be seen where this is."""
    unlisted = [f"thread {kind}: call {nr} {[hex(a) for a in args]}" for kind, nr, args in recorded
                if not any(row.takes(kind, nr, args) for row in rows)]
    unused = [f"{kind}: {row}" for row in rows if row.where == where for kind in sorted(row.kinds)
              if not any(row.takes(k, nr, args) for k, nr, args in recorded if k == kind)]
    return unlisted, unused


class Recorded:
    """The daemon's child of this name runs under record from its next start on."""

    def __init__(self, d, child):
        self.program = d.build / harness.CHILDREN[child]
        self.calls = d.dir / f"{child}.calls"
        self.wrapper = d.dir / child
        record = d.build / "tests/integration/jail_record"
        self.wrapper.write_text(f'#!/bin/sh\nexec {record} {self.calls} {self.program} "$0" "$@"\n')
        self.wrapper.chmod(0o755)
        (d.libexec / child).unlink()
        (d.libexec / child).symlink_to(self.wrapper)

    def judge(self, where):
        """Nothing unlisted, and every row that this test has to see."""
        seen = calls(self.calls)
        unlisted, unused = compare(table(self.program), seen, where)
        print(f"{self.program.name}: {len(seen)} different calls recorded")
        for row in table(self.program):
            kinds = {k for k, nr, args in seen if row.where not in (where, "here") and k in row.kinds and row.takes(k, nr, args)}
            if kinds:
                print(f"  {row.where}, and used: {','.join(sorted(kinds))}: {row}")
        check(not unlisted, f"{self.program.name}: called and not listed:\n" + "\n".join(unlisted))
        check(not unused, f"{self.program.name}: listed and not called:\n" + "\n".join(unused))


class Client:
    """The VMM's control socket, for devices that sriovd does not give to VMs."""

    def __init__(self, d, vm):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(20 * harness.SLOW)
        self.socket.connect(str(d.run_dir / f"vm/{vm}/ctl.sock"))

    def call(self, method, fds=(), **params):
        message = json.dumps({"id": 1, "method": method, "params": params}).encode()
        socket.send_fds(self.socket, [message], list(fds))
        answer = json.loads(self.socket.recv(65536))
        check("error" not in answer, f"{method} {params}: {answer}")
        return answer["result"]

    def add_remove(self, kind, fds=(), **params):
        self.call("device.add", fds, id="x", kind=kind, **params)
        for fd in fds:
            os.close(fd)
        self.call("device.remove", id="x", deadline_ms=3000, force=True)


def tap(name, queues):
    fds = []
    for _ in range(queues):
        fd = os.open("/dev/net/tun", os.O_RDWR)
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (IFF_MULTI_QUEUE if queues > 1 else 0)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        fds.append(fd)
    return fds
