# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the DPDK port share: a software NIC with VFs, and testpmd on them.

EAL loads no plugin from below a directory that everybody may write to, so the plugin is copied to a
directory of its own below /run. Huge pages are added for as long as a test runs.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import sys
import time
import traceback

import harness
from harness import check, eventually, fail, skip

PAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PAGES_WANTED = 256
PROMPT = "testpmd> "


def pages_add(n):
    """Change the number of reserved huge pages; returns by how many."""
    with open(PAGES / "nr_hugepages", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as ./run does it
        before = int((PAGES / "nr_hugepages").read_text())
        (PAGES / "nr_hugepages").write_text(str(max(before + n, 0)))
        return int((PAGES / "nr_hugepages").read_text()) - before


class Control:
    """A child with a control socket: soft-nic or sriov-pf."""

    def __init__(self, directory, exe, name, *words, pass_fds=()):
        self.path = directory / f"{name}.ctl"
        self.log = open(directory / f"{name}.log", "ab")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with listening:
            listening.bind(str(self.path))
            listening.listen(8)
            fd = listening.fileno()
            self.process = subprocess.Popen(
                [exe, "--name", name, "--control-fd", str(fd), *map(str, words)],
                pass_fds=[fd, *pass_fds], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.client.settimeout(20)
        self.client.connect(str(self.path))

    def call(self, method, fds=(), **params):
        message = json.dumps({"id": 1, "method": method, "params": params}).encode()
        socket.send_fds(self.client, [message], list(fds))
        while True:
            answer = json.loads(self.client.recv(65536))
            if "id" in answer:
                break
        if "error" in answer:
            fail(f"{method} {params}: {answer['error']}")
        return answer["result"]

    def end(self, kill=False):
        self.client.close()
        if self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
        code = self.process.wait(20)
        self.log.close()
        return code


class Nic:
    """soft-nic and sriov-pf in a directory of their own, with VFs whose MACs end in their number."""

    def __init__(self, build, directory, name="n0", vfs=2, trust=True, macs=None, tap=None,
                 words=()):
        self.macs = macs or [f"02:00:00:00:00:{vf + 1:02x}" for vf in range(8)]
        self.dir = directory / name
        self.dir.mkdir()
        self.nic = Control(self.dir, build / "soft-nic/soft-nic", name, "--dir", self.dir, *words,
                           *([] if tap is None else ["--tap-fd", tap]),
                           pass_fds=[] if tap is None else [tap])
        self.pf = Control(self.dir, build / "pf-driver/sriov-pf", f"{name}-pf")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as fd:
            eventually(lambda: not fd.connect_ex(str(self.dir / "pf.sock")), "the PF's socket")
            self.pf.call("pf.open", [fd.fileno()])
        self.vfs(vfs, trust)

    def vfs(self, n, trust=True):
        self.pf.call("pf.set_vfs", num_vfs=n)
        for vf in range(n):
            self.pf.call("vf.set", vf=vf, mac=self.mac(vf), trust=trust)
            eventually((self.dir / f"vf{vf}.sock").exists, f"socket of VF {vf}")

    def mac(self, vf):
        return self.macs[vf]

    def path(self, vf):
        return self.dir / f"vf{vf}.sock"

    def counters(self, vf):
        return self.nic.call("nic.counters")["vfs"][vf]

    def end(self):
        pf, nic = self.pf.end(), self.nic.end()
        check(pf == 0, f"sriov-pf ended with {pf}")
        check(nic == 0, f"soft-nic ended with {nic}")

    def kill(self):
        self.pf.end(kill=True)
        self.nic.end(kill=True)


class Testpmd:
    """dpdk-testpmd, unmodified, with our plugin; commands by its standard input."""

    count = 0

    def __init__(self, rig, vdevs, *words, eal=(), lcores="0@0,1@1", mbufs=8192, mode="io",
                 one_file=True):
        Testpmd.count += 1
        self.prefix = f"sriov{os.getpid()}_{Testpmd.count}"
        self.text = ""
        self.asks = 0
        memory = [] if {"--no-huge", "--in-memory"} & set(eal) else ["--huge-dir", rig.huge]
        memory += ["--single-file-segments"] if one_file and "--no-huge" not in eal else []
        command = ["stdbuf", "-oL", "dpdk-testpmd", "--lcores", lcores, "-d", rig.plugin, "--no-pci", "--no-telemetry",
                   "--file-prefix", self.prefix, "--iova-mode=va", *memory, *eal,
                   *(f"--vdev=net_sriov_vf{i},{args}" for i, args in enumerate(vdevs)), "--", "-i",
                   f"--total-num-mbufs={mbufs}", f"--forward-mode={mode}", *words]
        self.command = " ".join(map(str, command))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.until(PROMPT, 60)

    def read(self, timeout):
        """What it says now; waits for something, at most so long."""
        out = self.process.stdout
        if select.select([out], [], [], timeout)[0]:
            more = out.read()
            if more:
                self.text += more.decode(errors="replace")
            return bool(more)
        return None

    def until(self, pattern, timeout=20, start=0):
        """All that was said from start on, when there is a match."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.text[start:], re.DOTALL):
            left = deadline - time.monotonic()
            if left <= 0 or self.read(left) is False:
                code = self.process.poll()
                fail(f"testpmd did not say '{pattern}' (ended: {code}):\n{self.command}\n"
                     f"{self.text[-4000:]}")
        return self.text[start:]

    def ask(self, command, timeout=20):
        """The answer to one command: until it refuses the next one, which does not exist."""
        self.asks += 1
        start = len(self.text)
        self.process.stdin.write(f"{command}\nmark_{self.asks}\n".encode())
        return self.until(rf"mark_{self.asks}\s.*Command not found", timeout, start)

    def asked(self, command, pattern, timeout=20):
        answer = self.ask(command, timeout)
        found = re.search(pattern, answer, re.DOTALL)
        check(found, f"'{command}' does not say {pattern}:\n{answer}")
        return found

    def stats(self, port):
        """Counters of one port by their names."""
        text = self.ask(f"show port stats {port}")
        return {key: int(value) for key, value in re.findall(r"([RT]X-[a-z]+):\s+(\d+)", text)}

    def xstats(self, port):
        text = self.ask(f"show port xstats {port}")
        return {key: int(value) for key, value in re.findall(r"(?m)^(\w+): (\d+)\s*$", text)}

    def quit(self):
        self.process.stdin.write(b"quit\n")
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.1)
        code = self.process.wait(5)
        self.process.stdin.close()
        self.process.stdout.close()
        check(code == 0, f"testpmd ended with {code}:\n{self.text[-3000:]}")
        bad = [line for line in self.text.splitlines() if "Sanitizer" in line]
        check(not bad, "\n".join(bad))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Rig:
    """Directory, plugin, huge pages; NICs and testpmds, ended whatever happens."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.dir = harness.closed_dir("pmd")
        self.plugin = self.dir / "librte_net_sriov_vf.so"
        shutil.copy(self.build / "vf-driver/dpdk/librte_net_sriov_vf.so", self.plugin)
        self.nics, self.pmds = [], []
        self.pages = 0
        self.huge = self.dir / "huge"
        self.huge.mkdir()
        subprocess.run(["mount", "-t", "hugetlbfs", "none", self.huge], check=True)

    def reserve(self):
        self.pages = pages_add(PAGES_WANTED)

    def nic(self, *args, **keys):
        self.nics.append(Nic(self.build, self.dir, f"n{len(self.nics)}", *args, **keys))
        return self.nics[-1]

    def testpmd(self, *args, **keys):
        self.pmds.append(Testpmd(self, *args, **keys))
        return self.pmds[-1]

    def tell(self):
        for log in sorted(self.dir.rglob("*.log")):
            print(f"==> {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)

    def end(self):
        for each in self.pmds + self.nics:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                each.kill()
        for pmd in self.pmds:
            shutil.rmtree(f"/var/run/dpdk/{pmd.prefix}", ignore_errors=True)
        subprocess.run(["umount", self.huge], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
        if self.pages:
            pages_add(-self.pages)


def main(test):
    """Run test(rig)."""
    build = pathlib.Path(sys.argv[1])
    harness.need_root()
    harness.need_build(build, "soft-nic", "sriov-pf")
    if not (build / "vf-driver/dpdk/librte_net_sriov_vf.so").exists():
        skip("librte_net_sriov_vf.so was not built: DPDK's headers for drivers are missing (dpdk)")
    if not shutil.which("dpdk-testpmd"):
        skip("dpdk-testpmd is missing: package dpdk-dev (dpdk)")
    rig = Rig(build)
    try:
        rig.reserve()
        test(rig)
    except BaseException as e:
        if not isinstance(e, SystemExit):
            traceback.print_exc()
            rig.tell()
        rig.end()
        sys.exit(e.code if isinstance(e, SystemExit) else 1)
    rig.end()
