# SPDX-License-Identifier: BSD-3-Clause
"""A stock Debian kernel in a VM of sriov-vmm, for the tests: an initramfs of busybox and the modules that
a test names, a control client, and the guest's console as something to expect words from.

The guest's init mounts what it needs, loads the modules, starts what a test gives it and then a shell on
its console: run(words) types a command and returns what it printed.
"""
import contextlib
import ctypes
import ctypes.util
import json
import lzma
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

from bed import check, fail, skip

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for m in $(cat /modules/order); do insmod /modules/$m.ko || echo "module $m: failed"; done
%s
stty -F /dev/ttyS0 -echo
echo "guest: up after $(cut -d' ' -f1 /proc/uptime) s"
cd /
exec setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1
"""
# the power button, as any distribution's daemon would take it
BUTTON = "dd if=/dev/input/event0 of=/dev/null bs=24 count=1 2>/dev/null && poweroff -f &"


def module_files(build):
    root = build / "testbed/cache/kernel"
    found = {p.name.split(".ko")[0].replace("-", "_"): p for p in root.rglob("*.ko*")}
    builtin = next(root.rglob("modules.builtin"), None)
    if not found or not builtin:
        skip("the testbed's kernel is not unpacked in this build directory (kernel)")
    names = {os.path.basename(li)[:-3].replace("-", "_") for li in builtin.read_text().split()}
    return found, names


def modules(build, wanted):
    """Names and contents in the order of loading."""
    files, builtin = module_files(build)
    order = {}

    def load(name):
        name = name.replace("-", "_")
        if name in order or name in builtin:
            return
        check(name in files, f"this kernel has no module {name}")
        data = files[name].read_bytes()
        if files[name].suffix == ".xz":
            data = lzma.decompress(data)
        for needed in re.search(rb"\0depends=([^\0]*)\0", data)[1].decode().split(","):
            if needed:
                load(needed)
        order[name] = data

    for name in wanted:
        load(name)
    return order


def vmlinux(build):
    """The ELF inside the testbed's bzImage."""
    image = (build / "testbed/cache/vmlinuz").read_bytes()
    offset, length = struct.unpack_from("<II", image, 0x248)
    at = (image[0x1f1] + 1) * 512 + offset
    packed = image[at:at + length - 4]
    size, = struct.unpack_from("<I", image, at + length - 4)
    if packed[:6] == b"\xfd7zXZ\0":
        return lzma.decompress(packed)
    zstd = ctypes.util.find_library("zstd")
    if packed[:4] != b"\x28\xb5\x2f\xfd" or not zstd:
        skip("this kernel is packed in a way that is not known here (kernel)")
    library = ctypes.CDLL(zstd)
    library.ZSTD_decompress.restype = ctypes.c_size_t
    elf = ctypes.create_string_buffer(size)
    done = library.ZSTD_decompress(elf, ctypes.c_size_t(size), packed, ctypes.c_size_t(len(packed)))
    check(done == size, f"zstd unpacked {done} of {size} bytes")
    return elf.raw


class Archive:
    """cpio's newc format, as the kernel unpacks it."""

    def __init__(self):
        self.parts = []
        self.number = 0

    def add(self, name, mode, data=b""):
        self.number += 1
        raw = name.encode() + b"\0"
        fields = [self.number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + raw
        self.parts += [head, bytes(-len(head) % 4), data, bytes(-len(data) % 4)]

    def bytes(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)


def initramfs(build, wanted=(), script="", later=()):
    """With modules that are loaded, and others that only lie in /modules."""
    archive = Archive()
    for name in ("bin", "dev", "proc", "sys", "modules", "tmp", "mnt"):
        archive.add(name, 0o40755)
    archive.add("dev/console", 0o20600)
    busybox = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)), None)
    if not busybox:
        skip("busybox-static is missing (busybox)")
    archive.add("bin/busybox", 0o100755, pathlib.Path(busybox).read_bytes())
    archive.add("init", 0o100755, (INIT % script).encode())
    found = modules(build, wanted)
    for name, data in {**modules(build, later), **found}.items():
        archive.add(f"modules/{name}.ko", 0o100644, data)
    archive.add("modules/order", 0o100644, "".join(f"{m}\n" for m in found).encode())
    return archive.bytes()


class Refused(Exception):
    pass


class Guest:
    """One sriov-vmm with a stock kernel; its console is a pipe that is read all the time it is waited on."""

    def __init__(self, build, initrd, name="g", cpus=1, memory_mib=256, cmdline="", kernel=None):
        self.build, self.name = build, name
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="vmm"))
        self.text = ""
        (self.dir / "initrd").write_bytes(initrd)
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listening.bind(str(self.dir / "ctl"))
        self.listening.listen(8)
        fd = self.listening.fileno()
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [build / "vmm-glue/sriov-vmm", "--name", name, "--control-fd", str(fd)],
            pass_fds=[fd], stdin=subprocess.DEVNULL)
        self.client = self.connect()
        self.console, theirs = os.pipe()
        os.set_blocking(self.console, False)
        words = f"console=ttyS0 reboot=a panic=1 {cmdline}".strip()
        with contextlib.ExitStack() as stack:
            def opened(path, flags):
                number = os.open(path, flags | os.O_CLOEXEC)
                stack.callback(os.close, number)
                return number
            stack.callback(os.close, theirs)
            self.call("vm.create", [opened("/dev/kvm", os.O_RDWR),
                                    opened(kernel or build / "testbed/cache/vmlinuz", os.O_RDONLY),
                                    theirs, opened(self.dir / "initrd", os.O_RDONLY)],
                      kind="linux", memory_mib=memory_mib, cpus=cpus, cmdline=words)
        self.call("vm.boot")

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.settimeout(60)
        client.connect(str(self.dir / "ctl"))
        return client

    def call(self, method, fds=(), client=None, **params):
        client = client or self.client
        message = json.dumps({"id": 1, "method": method, "params": params}).encode()
        socket.send_fds(client, [message], list(fds))
        answer = json.loads(client.recv(65536))
        if "error" in answer:
            raise Refused(f"{answer['error']['errno']}: {answer['error']['message']}")
        return answer["result"]

    def info(self):
        return self.call("vm.info")

    def pump(self, seconds):
        """Take console text for at most so long; true if some came."""
        if not select.select([self.console], [], [], seconds)[0]:
            return False
        data = os.read(self.console, 65536)
        self.text += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def expect(self, pattern, timeout=60, since=0):
        """Wait until the console matches; the match."""
        until = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.text[since:])
            if found:
                return found
            left = until - time.monotonic()
            if left <= 0 or (not self.pump(min(left, 1)) and not self.alive()):
                fail(f"{self.name}: no '{pattern}' on the console within {timeout} s; it ends with: "
                     f"{self.text[-600:]!r}; info: {self.try_info()}")

    def alive(self):
        return self.process.poll() is None

    def try_info(self):
        try:
            return self.info()
        except (OSError, Refused, ValueError) as e:
            return str(e)

    def shell(self, timeout=120):
        """Wait for the shell; seconds since the start of the process."""
        self.expect("guest: up after", timeout)
        self.expect("guest# ", timeout)
        return time.monotonic() - self.began

    def type(self, text):
        self.call("vm.input", text=text)

    def run(self, command, timeout=60):
        """What the command printed; it must end with 0."""
        since = len(self.text)
        self.type(f"echo '<+>'; {command}; echo \"<$?>\"\n")
        since += self.expect(r"<\+>\n", timeout, since).end()
        found = self.expect(r"<(\d+)>\n", timeout, since)
        printed = self.text[since:since + found.start()]
        check(found[1] == "0", f"{self.name}: {command}: exit status {found[1]}: {printed}")
        return printed

    def complaints(self, *more):
        """What its kernel says is wrong, if anything. Looked for there: a console is slow."""
        words = " ".join(f"-e '{word}'" for word in ("WARNING: CPU", "BUG: ", "Call Trace") + more)
        return self.run(f"dmesg | grep -A9 {words} | head -n 30; true").strip()

    def ended(self, timeout=60):
        """Wait for the guest's end; vm.info then."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            self.pump(0.1)
            info = self.info()
            if info["state"] not in ("new", "running"):
                return info
        fail(f"{self.name}: still running after {timeout} s; console: {self.text[-600:]!r}")

    def close(self):
        if self.process.poll() is None:
            self.client.send(json.dumps({"id": 0, "method": "ctl.quit"}).encode())
            check(self.process.wait(30) == 0, "sriov-vmm ends when told to")
        self.client.close()
        self.listening.close()
        os.close(self.console)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        if what[0] and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        else:
            self.close()
