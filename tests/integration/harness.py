# SPDX-License-Identifier: BSD-3-Clause
"""What the integration tests of sriovd share: a daemon in a directory of its own, a client, checks.

A test is an executable script that gets the build directory and calls harness.main(test). Everything
lives below one short temporary directory (socket paths are at most 107 bytes), taps carry names of
this run, and only processes that were started here are ended, by their pid.
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

CHILDREN = {
    "soft-nic": "soft-nic/soft-nic",
    "sriov-pf": "pf-driver/sriov-pf",
    "sriov-bridge": "fastpath/sriov-bridge",
    "sriov-vmm": "vmm-glue/sriov-vmm",
    "bench-guest.elf": "vmm-glue/guest/bench-guest.elf",
}
BASE_NICS = [{"name": "p0"}]
SLOW = int(os.environ.get("SRIOV_SLOW") or 1)  # as for sriovd: how much longer processes may take


class Refused(Exception):
    """The API refused: status, errno name and sentence."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("sriovd", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def skip(reason):
    for need in os.environ.get("SRIOV_REQUIRE", "").split(","):
        if need and f"({need})" in reason:
            fail(f"required and not there: {reason}")
    print(f"skipped: {reason}")
    sys.exit(77)


def fail(text):
    raise AssertionError(text)


def check(condition, text):
    if not condition:
        fail(text)


def eventually(probe, text, timeout=10.0):
    """The first true value of probe(), which may raise Refused or OSError meanwhile."""
    timeout *= SLOW
    deadline = time.monotonic() + timeout
    last = None
    while time.monotonic() < deadline:
        try:
            last = probe()
            if last:
                return last
        except (Refused, OSError, http.client.HTTPException) as e:
            last = e
        time.sleep(0.02)
    fail(f"{text}: not within {timeout} s (last: {last})")


def alive(pid):
    """There, and no zombie: whoever adopts our orphans may not collect them."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def closed_dir(prefix):
    """A new directory which no parent lets everybody write to: EAL loads plugins from nowhere else."""
    for parent in ("/run", "/var/lib", "/root"):
        if os.path.isdir(parent) and not os.stat(parent).st_mode & 0o002:
            return pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    return skip("everybody may write to /run, /var/lib and /root")


class Daemon:
    """One sriovd with its own run, state and libexec directories."""

    def __init__(self, build, nics=None, bridges=None, **options):
        self.build = pathlib.Path(build)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sd", dir="/tmp"))
        self.run_dir = self.dir / "r"
        self.state_dir = self.dir / "s"
        self.libexec = self.dir / "x"
        self.libexec.mkdir()
        for name, path in CHILDREN.items():
            if (self.build / path).exists():
                (self.libexec / name).symlink_to((self.build / path).resolve())
        config = {"soft_nics": BASE_NICS if nics is None else nics, "bridges": bridges or []}
        self.config = self.dir / "sriovd.json"
        self.config.write_text(json.dumps({**config, **options}))
        self.taps = [d["tap"] for d in config["soft_nics"] + config["bridges"] if "tap" in d]
        self.process = None
        self.seen = set()

    # ---- the daemon ----

    def start(self, wait=True):
        log = open(self.dir / "sriovd.log", "ab")
        self.process = subprocess.Popen(
            [self.build / "sriovd/sriovd", "--config", self.config, "--run-dir", self.run_dir,
             "--state-dir", self.state_dir, "--libexec-dir", self.libexec],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        if wait:
            eventually(lambda: self.process.poll() is not None or self.status(), "start", 30)
            check(self.process.poll() is None, f"sriovd ended:\n{self.log()}")
        return self

    def kill(self, sig=signal.SIGKILL):
        self.remember()
        self.process.send_signal(sig)
        return self.process.wait(20 * SLOW)

    def stop(self):
        """Orderly end of sriovd alone: children and VMs stay."""
        code = self.kill(signal.SIGTERM)
        check(code == 0, f"sriovd ended with {code} on SIGTERM")

    def shutdown(self):
        self.remember()
        self.call("POST", "/v1/shutdown", {"vms": True}, timeout=120)
        code = self.process.wait(20 * SLOW)
        check(code == 0, f"sriovd ended with {code} after the shutdown request")

    def log(self):
        return (self.dir / "sriovd.log").read_text(errors="replace")

    # ---- the API ----

    def call(self, method, path, body=None, timeout=60):
        connection = Connection(self.run_dir / "sriovd.sock", timeout * SLOW)
        try:
            data = None if body is None else body if isinstance(body, (bytes, str)) else json.dumps(body)
            connection.request(method, path, data)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        value = json.loads(text)
        if answer.status >= 400:
            raise Refused(answer.status, value["error"]["code"], value["error"]["message"])
        return value

    def status(self):
        status = self.call("GET", "/v1/status")
        self.seen |= {c["pid"] for c in status["children"] if c["pid"] > 0}
        return status

    def remember(self):
        """Note the children's pids, for the check at the end."""
        try:
            self.status()
        except (OSError, Refused, http.client.HTTPException):
            pass

    def child(self, kind, name):
        for c in self.status()["children"]:
            if c["kind"] == kind and c["name"] == name:
                return c
        fail(f"no child {kind} {name}")

    def pf(self, name="p0"):
        return self.call("GET", f"/v1/pfs/{name}")

    def set_vfs(self, n, name="p0"):
        return self.call("PATCH", f"/v1/pfs/{name}", {"num_vfs": n})

    def vfs(self):
        return self.call("GET", "/v1/vfs")["vfs"]

    def vf(self, n, pf="p0"):
        return self.call("GET", f"/v1/pfs/{pf}/vfs/{n}")

    def net(self, name):
        return self.call("GET", f"/v1/nets/{name}")

    def net_create(self, name, **keys):
        return self.call("POST", "/v1/nets", {"name": name, **keys})

    def attach(self, net, vm, path="vf", **keys):
        """Path trapped: a VF each of whose accesses traps."""
        if path == "trapped":
            path, keys = "emulated", {"backend": "nic", **keys}
        return self.call("POST", f"/v1/nets/{net}/attach", {"vm": vm, "path": path, **keys})

    def detach(self, net, **keys):
        return self.call("POST", f"/v1/nets/{net}/detach", keys)

    def vm(self, name):
        return self.call("GET", f"/v1/vms/{name}")

    def vm_start(self, name, **keys):
        vm = self.call("POST", "/v1/vms", {"name": name, **keys})
        self.seen.add(vm["pid"])
        return vm

    def vm_stop(self, name, **keys):
        return self.call("DELETE", f"/v1/vms/{name}", keys)

    def refused(self, status, words, method, path, body=None):
        """The call must be refused with this status and a sentence that has these words."""
        try:
            answer = self.call(method, path, body)
        except Refused as e:
            check(e.status == status, f"{method} {path}: {e.status}, expected {status}: {e.message}")
            for word in words if isinstance(words, list) else [words]:
                check(word in e.message, f"{method} {path}: \"{e.message}\" does not say {word}")
            return e
        fail(f"{method} {path} {body} was not refused: {answer}")

    # ---- leftovers ----

    def leftovers(self):
        left = [f"process {pid}" for pid in self.seen if alive(pid)]
        left += [f"tap {tap}" for tap in self.taps if os.path.exists(f"/sys/class/net/{tap}")]
        if self.run_dir.exists():
            left += [f"socket {p}" for p in self.run_dir.rglob("*.sock")]
        return left

    def sanitizers(self):
        """What a build with sanitizers found: a child that is restarted would hide it."""
        logs = [self.dir / "sriovd.log", *(self.run_dir / "log").glob("*.log")]
        return [f"{log.name}: {line}" for log in logs if log.exists()
                for line in log.read_text(errors="replace").splitlines()
                if "Sanitizer:" in line or "runtime error:" in line]

    def clean_up(self):
        """Whatever the test did: end what was started here and remove the directory."""
        if self.process and self.process.poll() is None:
            self.remember()
            self.process.kill()
            self.process.wait()
        for pid in self.seen:
            if alive(pid) and self.ours(pid):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)

    def ours(self, pid):
        try:
            return str(self.libexec).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def tell(self):
        print(self.log(), file=sys.stderr)
        for log in sorted((self.run_dir / "log").glob("*")):
            text = log.read_text(errors="replace")[-4000:]
            print(f"==> {log.name}\n{text}", file=sys.stderr)


def need_build(build, *children):
    for child in children:
        if not (pathlib.Path(build) / CHILDREN[child]).exists():
            skip(f"{child} was not built (dpdk)" if child == "sriov-bridge" else f"{child} was not built")


def need_root():
    if os.geteuid() != 0:
        skip("not root (root)")


def need_kvm():
    if not os.path.exists("/dev/kvm"):
        skip("no /dev/kvm (kvm)")


def main(test, *needs, **daemon):
    """Run test(daemon) for a fresh daemon; the shutdown request must leave nothing behind."""
    build = sys.argv[1]
    need_root()
    need_build(build, "soft-nic", "sriov-pf", *needs)
    if "sriov-vmm" in needs:
        need_build(build, "bench-guest.elf")
        need_kvm()
    d = Daemon(build, **daemon)
    try:
        d.start()
        test(d)
        d.shutdown()
        left = d.leftovers()
        check(not left, f"left behind: {left}")
        found = d.sanitizers()
        check(not found, "\n".join(found))
    except BaseException:
        try:
            traceback.print_exc()
            d.tell()
        finally: # also when nobody reads what is told
            d.clean_up()
        sys.exit(1)
    d.clean_up()
