# SPDX-License-Identifier: BSD-3-Clause
"""Our two drivers in the testbed: vf-ping (a VF over VFIO) and sriov-pf (a PF over VFIO)."""
import fcntl
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile

import bed
from bed import check, fail

TOKEN = "6d2ff1a8-2f0c-4c3a-9d5b-0b8f5a3c7e11"


def lines(text):
    """Events by their name, the last of each."""
    return {e["event"]: e for e in map(json.loads, filter(None, text.splitlines()))}


class VfPing:
    """One run of vf-ping."""

    def __init__(self, build, vf, *words):
        command = [build / "tests/vf-ping", "--bdf", vf.address, *map(str, words)]
        print(" ".join(map(str, command)), flush=True)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def until(self, event):
        """Wait for this event; what came before is dropped."""
        for line in iter(self.process.stdout.readline, ""):
            print(f"vf-ping: {line.strip()}", flush=True)
            seen = json.loads(line)
            if seen["event"] == event:
                return seen
        fail(f"vf-ping ended before '{event}': {self.process.stderr.read().strip()}")

    def end(self, timeout=60):
        """Its events when it has ended well."""
        out, err = self.process.stdout.read(), self.process.stderr.read()
        self.process.wait(timeout)
        print(out, err, flush=True)
        check(self.process.returncode == 0, f"vf-ping: {err.strip()} {out.strip()}")
        return lines(out)

    def kill(self):
        self.process.kill()
        self.process.wait()


def vf_ping(build, vf, *words):
    return VfPing(build, vf, *words).end()


class Held:
    """Device and container of a function, held open as sriovd does for a PF."""

    def __init__(self, function, token=None):
        group = os.open(f"/dev/vfio/{function.group()}", os.O_RDWR | os.O_CLOEXEC)
        self.container = os.open("/dev/vfio/vfio", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(group, bed.VFIO_GROUP_SET_CONTAINER, struct.pack("i", self.container))
        fcntl.ioctl(self.container, bed.VFIO_SET_IOMMU, bed.VFIO_TYPE1V2_IOMMU)
        name = function.address + (f" vf_token={token}" if token else "")
        self.device = fcntl.ioctl(group, bed.VFIO_GROUP_GET_DEVICE_FD,
                                  bytearray(name.encode() + b"\0"))
        os.close(group)

    def fds(self):
        return [self.device, self.container]

    def close(self):
        os.close(self.device)
        os.close(self.container)


class Refused(Exception):
    pass


class SriovPf:
    """A sriov-pf and its control socket."""

    def __init__(self, build, name="p0"):
        self.build, self.name = build, name
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pf"))
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(str(self.dir / "ctl"))
        self.listening.listen(8)
        self.process = self.client = None
        self.start()

    def start(self):
        fd = self.listening.fileno()
        self.process = subprocess.Popen(
            [self.build / "pf-driver/sriov-pf", "--name", self.name, "--control-fd", str(fd)],
            pass_fds=[fd], stdin=subprocess.DEVNULL)
        self.client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.client.settimeout(100)
        self.client.connect(str(self.dir / "ctl"))

    def call(self, method, fds=(), **params):
        message = json.dumps({"id": 1, "method": method, "params": params}).encode()
        socket.send_fds(self.client, [message], list(fds))
        answer = json.loads(self.client.recv(65536))
        if "error" in answer:
            raise Refused(f"{answer['error']['errno']}: {answer['error']['message']}")
        print(f"{method} {params}: {answer['result']}", flush=True)
        return answer["result"]

    def refused(self, words, method, **params):
        try:
            self.call(method, **params)
        except Refused as e:
            check(words in str(e), f"{method}: '{e}' does not say '{words}'")
            return
        fail(f"{method} {params} was not refused")

    def kill(self):
        self.client.close()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.client.close()
        self.process.terminate()
        check(self.process.wait(20) == 0, "sriov-pf ends by SIGTERM")


def vfio_sriov():
    """Let PFs on vfio-pci have VFs, until the machine is put back."""
    pathlib.Path("/sys/module/vfio_pci/parameters/enable_sriov").write_text("Y")
