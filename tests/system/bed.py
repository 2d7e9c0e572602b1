# SPDX-License-Identifier: BSD-3-Clause
"""The testbed's machine as its tests see it: three 82576, sysfs, rtnetlink by ip, VFIO.

A test is an executable NN_topic that gets the build directory and calls bed.main(test); exit 77 with
a line of reason skips it, and a line "deadline: N s" in its head bounds it. Tests find all three
PFs on the stock igb driver, up, without VFs; restore() puts that back after each.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import time
import traceback

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from harness import check, eventually, fail, skip  # noqa: E402,F401 (tests take them from here)

PCI = pathlib.Path("/sys/bus/pci")
NET = pathlib.Path("/sys/class/net")
NO_MAC = "00:00:00:00:00:00"


def run(*words, ok=True, timeout=60):
    """The program's output; it must end with 0 unless ok is False (then: its CompletedProcess)."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout, check=False)
    if not ok:
        return done
    check(done.returncode == 0, f"{' '.join(str(w) for w in words)}: exit status "
          f"{done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def refused(words, *command):
    """The command must fail and say these words."""
    done = run(*command, ok=False)
    check(done.returncode != 0, f"{' '.join(str(w) for w in command)} was not refused")
    check(words in done.stderr + done.stdout,
          f"{' '.join(str(w) for w in command)}: \"{done.stderr.strip()}\" does not say {words}")


class Function:
    """A PCI function by its address."""

    def __init__(self, address):
        self.address = address
        self.sys = PCI / "devices" / address

    def __repr__(self):
        return self.address

    def exists(self):
        return self.sys.exists()

    def attribute(self, name):
        return (self.sys / name).read_text().strip()

    def set(self, name, value):
        (self.sys / name).write_text(f"{value}\n")

    def driver(self):
        link = self.sys / "driver"
        return os.path.basename(os.readlink(link)) if link.exists() else None

    def netdev(self):
        """The name of its network device, wherever it was renamed to, or None."""
        with contextlib.suppress(OSError):
            return next((entry.name for entry in (self.sys / "net").iterdir()), None)

    def group(self):
        return int(os.path.basename(os.readlink(self.sys / "iommu_group")))

    def group_members(self):
        return sorted(p.name for p in (self.sys / "iommu_group/devices").iterdir())

    def bind(self, driver):
        """To this driver and no other, or with None to no driver; verified."""
        if self.driver() == driver:
            return self
        if self.driver():
            (self.sys / "driver/unbind").write_text(self.address)
        if driver:
            self.set("driver_override", driver)
            (PCI / "drivers_probe").write_text(self.address)
        check(self.driver() == driver, f"{self} is bound to {self.driver()}, not to {driver}")
        return self

    def release(self):
        """Back to whatever driver claims it by itself."""
        if self.attribute("driver_override") not in ("", "(null)"):
            self.set("driver_override", "")

    def wait_netdev(self, timeout=20):
        return eventually(self.netdev, f"{self} has a network device", timeout)


class Pf(Function):
    def num_vfs(self):
        return int(self.attribute("sriov_numvfs"))

    def set_vfs(self, n, autoprobe=True):
        """n VFs, through 0 as sysfs wants it."""
        self.set("sriov_drivers_autoprobe", int(autoprobe))
        if self.num_vfs() not in (0, n):
            self.set("sriov_numvfs", 0)
        if self.num_vfs() != n:
            self.set("sriov_numvfs", n)
        check(self.num_vfs() == n, f"{self} has {self.num_vfs()} VFs, not {n}")
        return self.vfs()

    def vf(self, n):
        return Function(os.path.basename(os.readlink(self.sys / f"virtfn{n}")))

    def vfs(self):
        return [self.vf(n) for n in range(self.num_vfs())]

    def show(self):
        """What ip link says about its network device, the VFs under "vfinfo_list"."""
        return json.loads(run("ip", "-j", "-d", "link", "show", "dev", self.netdev()))[0]

    def vf_show(self, n):
        return self.show()["vfinfo_list"][n]

    def vf_set(self, n, *words):
        run("ip", "link", "set", "dev", self.netdev(), "vf", n, *words)


PF = Pf("0000:01:00.0")  # under test
WIRE = Pf("0000:02:00.0")  # the other end of its wire
NO_ACS = Pf("0000:03:00.0")  # its root port has no ACS
PFS = (PF, WIRE, NO_ACS)


def carrier(netdev, netns=None):
    """True once the link is up."""
    words = ["ip", "-j", "link", "show", "dev", netdev]
    if netns:
        words[1:1] = ["-n", netns]
    return "LOWER_UP" in json.loads(run(*words))[0]["flags"]


def up(netdev, address=None, netns=None):
    """Up, with this address, and with a link."""
    ip = ["ip", "-n", netns] if netns else ["ip"]
    if address:
        run(*ip, "addr", "replace", address, "dev", netdev)
    run(*ip, "link", "set", "dev", netdev, "up")
    eventually(lambda: carrier(netdev, netns), f"{netdev} has a link", 30)


def wire(address="10.99.0.1/24"):
    """The wire's other end in a name space of its own, "wire", with this address; its device."""
    netdev = WIRE.wait_netdev()
    run("ip", "netns", "add", "wire")
    run("ip", "link", "set", "dev", netdev, "netns", "wire")
    up(netdev, address, "wire")
    return netdev


def ping(address, netns=None, count=3, timeout=20):
    """True when that many echoes came back."""
    words = ["ip", "netns", "exec", netns] if netns else []
    return run(*words, "ping", "-n", "-c", count, "-i", "0.2", "-w", timeout, address,
               ok=False, timeout=timeout + 20).returncode == 0


def steady(address, netns, count=20, lost=1):
    """Exactly that many echo requests, five a second: at most so many stay without an answer."""
    said = run("ip", "netns", "exec", netns, "ping", "-n", "-c", count, "-i", "0.2", "-W", 10, address,
               ok=False, timeout=count + 60).stdout
    found = re.search(r"(\d+) packets transmitted, (\d+) received", said)
    check(found and int(found[1]) == count and int(found[2]) >= count - lost,
          f"{netns} pings {address} without a break: {said.strip()}")


# ---- VFIO as far as tests look at it themselves ----

VFIO_GROUP_GET_STATUS = 0x3B67
VFIO_GROUP_SET_CONTAINER = 0x3B68
VFIO_GROUP_GET_DEVICE_FD = 0x3B6A
VFIO_DEVICE_GET_INFO = 0x3B6B
VFIO_SET_IOMMU = 0x3B66
VFIO_TYPE1V2_IOMMU = 3
VFIO_GROUP_VIABLE = 1


@contextlib.contextmanager
def vfio_group(function):
    fd = os.open(f"/dev/vfio/{function.group()}", os.O_RDWR | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def group_viable(fd):
    status = bytearray(struct.pack("II", 8, 0))
    fcntl.ioctl(fd, VFIO_GROUP_GET_STATUS, status)
    return bool(struct.unpack("II", status)[1] & VFIO_GROUP_VIABLE)


# ---- the machine's own state ----

def hugepages(n):
    """n of 2 MiB, until the machine is put back."""
    pages = pathlib.Path("/proc/sys/vm/nr_hugepages")
    pages.write_text(str(n))
    check(int(pages.read_text()) == n, f"{n} hugepages, not {pages.read_text().strip()}")


def huge_shared_memory(on):
    """Memory of memfds in huge pages, until the machine is put back: its pages are neighbours then."""
    pathlib.Path("/sys/kernel/mm/transparent_hugepage/shmem_enabled").write_text("always" if on else "never")


def kernel_log():
    return run("dmesg")


def restore():
    """Put the machine back to how every test finds it."""
    for netns in run("ip", "netns", "list").split("\n"):
        if netns:
            run("ip", "netns", "del", netns.split()[0])
    for pf in PFS:
        if not pf.exists():
            (PCI / "rescan").write_text("1")
        if int(pf.attribute("sriov_numvfs")):
            pf.set("sriov_numvfs", 0)
        pf.release()
        pf.bind("igb")
        pf.release()
        pf.set("sriov_drivers_autoprobe", 1)
        run("ip", "addr", "flush", "dev", pf.wait_netdev())
        run("ip", "link", "set", "dev", pf.netdev(), "up")
    for entry in NET.iterdir():
        if not (entry / "device").exists() and entry.name != "lo":
            run("ip", "link", "del", "dev", entry.name)
    sriov = pathlib.Path("/sys/module/vfio_pci/parameters/enable_sriov")
    if sriov.exists():
        sriov.write_text("N")
    pathlib.Path("/proc/sys/vm/nr_hugepages").write_text("0")
    huge_shared_memory(False)


def main(test):
    """Run test(build directory)."""
    began = time.monotonic()
    try:
        test(pathlib.Path(sys.argv[1]))
    except Exception as e:  # noqa: BLE001 (whatever it is, the log says it)
        traceback.print_exc()
        print(f"after {time.monotonic() - began:.1f} s: {e}")
        sys.exit(1)
