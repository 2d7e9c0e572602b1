# SPDX-License-Identifier: BSD-3-Clause
"""A sriov-vmm with the bench guest, spoken to as sriovd does: its control socket, descriptors, events."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

from bed import check, fail, huge_shared_memory
from drivers import Refused

MEMORY_MIB = 64


class Vmm:
    def __init__(self, build, name, guest="vmm-glue/guest/bench-guest.elf", through=()):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="vmm"))
        self.name = name
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(str(self.dir / "ctl"))
            listening.listen(4)
            fd = listening.fileno()
            self.process = subprocess.Popen(
                [*through, build / "vmm-glue/sriov-vmm", "--name", name, "--control-fd", str(fd)],
                pass_fds=[fd], stdin=subprocess.DEVNULL)
        self.client, self.listener = self.connect(), self.connect()
        self.seq = 0
        huge_shared_memory(True)  # QEMU's 82576 drops what VFs send from pages that are no neighbours
        self.ask(self.listener, "event.subscribe", (), {})
        fds = [os.open("/dev/kvm", os.O_RDWR), os.open(build / guest, os.O_RDONLY),
               os.open(self.dir / "console", os.O_WRONLY | os.O_CREAT)]
        self.call("vm.create", fds, memory_mib=MEMORY_MIB)
        for fd in fds:
            os.close(fd)
        self.call("vm.boot")

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.settimeout(60)
        client.connect(str(self.dir / "ctl"))
        return client

    def ask(self, client, method, fds, params):
        self.seq += 1
        message = json.dumps({"id": self.seq, "method": method, "params": params}).encode()
        socket.send_fds(client, [message], list(fds))
        answer = json.loads(client.recv(65536))
        if "error" in answer:
            raise Refused(f"{answer['error']['errno']}: {answer['error']['message']}")
        return answer["result"]

    def call(self, method, fds=(), **params):
        result = self.ask(self.client, method, fds, params)
        print(f"{self.name}: {method} {params}: {str(result)[:400]}", flush=True)
        return result

    def refused(self, words, method, fds=(), **params):
        try:
            self.call(method, fds, **params)
        except Refused as e:
            print(f"{self.name}: {method} {params}: {e}", flush=True)
            check(words in str(e), f"{method}: '{e}' does not say '{words}'")
            return
        fail(f"{method} {params} was not refused")

    def event(self, name, timeout=20, **data):
        """The first event of this name and with these values; what came before is dropped."""
        deadline = time.monotonic() + timeout
        while True:
            self.listener.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                seen = json.loads(self.listener.recv(65536))
            except TimeoutError:
                fail(f"{self.name}: no event {name} {data} within {timeout} s")
            print(f"{self.name}: event {seen['event']} {seen['data']}", flush=True)
            if seen["event"] == name and all(seen["data"].get(k) == v for k, v in data.items()):
                return seen["data"]

    def add(self, device, held, **params):
        """The VF of held (see drivers.Held), which is closed here: the VMM alone has it then."""
        try:
            return self.call("device.add", held.fds(), id=device, kind="vfio", **params)
        finally:
            held.close()

    def up(self, device, timeout_ms=30000):
        return self.call("device.wait", id=device, **{"for": "up"}, timeout_ms=timeout_ms)

    def device(self, device):
        return next(d for d in self.call("device.list")["devices"] if d["id"] == device)

    def interface(self, device):
        return next(i for i in self.call("vm.info")["interfaces"] if i["id"] == device)

    def console(self):
        return (self.dir / "console").read_text(errors="replace")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def maps(self):
        return len(pathlib.Path(f"/proc/{self.process.pid}/maps").read_text().splitlines())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.call("vm.stop", deadline_ms=20000)
        check(self.process.wait(20) == 0, "sriov-vmm ends well after vm.stop")
