# SPDX-License-Identifier: BSD-3-Clause
"""Stock Debian guests that sriovctl makes: kernel, initramfs with the modules, and an ext4 root of
busybox and iperf3 as the host has them, on virtio-blk. Typed to and read from like guest.Guest.

net.wait in the guest is what a distribution's network daemon would be: it waits for the interface
of that MAC, gives it an address, and tells when it has a link.
"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

import bed
import guest
import managed
from bed import check, eventually, fail, run

DISK_MIB = 40
IPERF_PORTS = (5201, 5202)
MEMORY_MIB = 192
MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "virtio_net", "igb", "igbvf",
           "af_packet", "button", "evdev")
INITRAMFS = """mount -t ext4 /dev/vda /mnt || echo "guest: no root"
for m in proc sys dev; do mount -o move /$m /mnt/$m; done
exec switch_root /mnt /sbin/init
"""
INIT = """#!/bin/sh
export PATH=/bin:/usr/bin HOME=/ PS1='guest# '
mount -t tmpfs tmpfs /tmp
ip link set lo up
%s
stty -F /dev/ttyS0 -echo
echo "guest: root is $(grep ' / ext4' /proc/mounts | cut -d' ' -f1)"
echo "guest: up after $(cut -d' ' -f1 /proc/uptime) s"
cd /
while :; do setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1; done
"""
# net.wait MAC ADDRESS
NET_WAIT = """#!/bin/sh
until path=$(grep -l "$1" /sys/class/net/*/address 2>/dev/null); do sleep 0.1; done
dev=${path#/sys/class/net/}; dev=${dev%/address}
ip addr add "$2" dev "$dev"
ip link set "$dev" up
until [ "$(cat /sys/class/net/"$dev"/carrier 2>/dev/null)" = 1 ]; do sleep 0.1; done
driver=$(readlink "/sys/class/net/$dev/device/driver")
[ "$driver" ] || driver=$(readlink "/sys/class/net/$dev/device/../driver")
echo "net: $dev ${driver##*/} up"
"""


def libraries(program):
    return re.findall(r"(/\S+) \(0x", run("ldd", program))


def root_tree(top, script=""):
    """What the guest's root file system holds."""
    iperf3 = shutil.which("iperf3")
    busybox = shutil.which("busybox")
    if not iperf3 or not busybox:
        bed.skip("iperf3 and busybox-static are not installed (iperf3)")
    for name in ("bin", "sbin", "usr/bin", "dev", "proc", "sys", "tmp", "etc", "mnt"):
        (top / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(busybox, top / "bin/busybox")
    for name in run(busybox, "--list").split():
        if name != "busybox":
            (top / "bin" / name).symlink_to("busybox")
    shutil.copy(iperf3, top / "usr/bin/iperf3")
    for library in libraries(iperf3):
        path = top / library.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, path)
    for name, text in (("sbin/init", INIT % script), ("bin/net.wait", NET_WAIT)):
        (top / name).write_text(text)
        (top / name).chmod(0o755)


def root_image(path, script=""):
    tree = pathlib.Path(f"{path}.d")
    root_tree(tree, script)
    with open(path, "wb") as image:
        image.truncate(DISK_MIB << 20)
    run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-E", "lazy_itable_init=1", "-d", tree, path)
    shutil.rmtree(tree)


class Vm(guest.Guest):
    """A VM of sriovd's, created and started by sriovctl; sriovd is not in the way of its console."""

    def __init__(self, d, name, cpus=2, memory_mib=MEMORY_MIB, initrd=None, disk=None):
        self.d, self.name, self.text, self.read = d, name, "", 0
        words = [] if not disk else ["--disk", disk]
        d.ctl("vm", "create", name, "--kernel", d.build / "testbed/cache/vmlinuz",
              "--initrd", initrd, "--cmdline", "console=ttyS0 reboot=a panic=0 nowatchdog rcupdate.rcu_cpu_stall_suppress=1 quiet",
              "--cpus", cpus, "--memory", memory_mib, *words)
        self.start()

    def start(self):
        self.began = time.monotonic()
        self.d.ctl("vm", "start", self.name)
        self.d.remember()
        self.pid = self.d.vm(self.name)["pid"]
        self.client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.client.settimeout(60)
        self.client.connect(str(self.d.run_dir / f"vm/{self.name}/ctl.sock"))

    def alive(self):
        return managed.harness.alive(self.pid)

    def pump(self, seconds):
        until = time.monotonic() + seconds
        while True:
            with open(self.d.run_dir / f"log/vm-{self.name}.console", "rb") as console:
                console.seek(self.read)
                data = console.read()
            if data or time.monotonic() > until:
                break
            time.sleep(0.05)
        self.read += len(data)
        self.text += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    # ---- networks ----

    def await_net(self, mac, address):
        """Begin to wait for this interface; netdev() tells when it is up."""
        self.type(f"net.wait {mac} {address}/24\n")
        return len(self.text)

    def netdev(self, since, timeout=120):
        """Its name and its driver."""
        found = self.expect(r"net: (\S+) (\S+) up\n", timeout, since)
        self.expect(r"guest# ", timeout, since + found.end())
        return found[1], found[2]

    def mac(self, name):
        return self.run(f"cat /sys/class/net/{name}/address").strip()

    def pings(self, address, count=4):
        said = self.run(f"ping -c {count} -W 10 {address}", 90)
        found = re.search(r"(\d+) packets received", said)
        check(found and int(found[1]) >= count - 1, f"{self.name} pings {address}: {said}")

    def serve(self):
        """One client of iperf3's a port."""
        for port in IPERF_PORTS:
            self.run(f"(setsid iperf3 -s -1 -p {port} </dev/null >/dev/null 2>&1 &)")
            self.run(f"until netstat -lt | grep -q {port}; do sleep 0.1; done")

    def iperf3(self, address, seconds=3):
        """Mbit/s that the other end received, of the 1 that is sent in single frames.

        QEMU's card drops the bursts of a sender that is let go, and those that are sent again, until
        TCP waits for minutes. So it is given a pace, and a second try on another port.
        """
        for port in IPERF_PORTS:
            said = self.run(f"timeout 45 iperf3 -c {address} -p {port} -t {seconds} -b 1M -l 1000 -w 16K "
                            "-f k; true", 120)
            found = re.search(r"([\d.]+) Kbits/sec\s+receiver", said)
            if found:
                return round(float(found[1]) / 1000, 3)
            print(f"{self.name}: iperf3 to {address}, port {port}: {said}", flush=True)
        return fail(f"{self.name}: no iperf3 to {address}: {said}")

    def close(self):
        self.client.close()


class Pair:
    """Two of them, on copies of one root file system."""

    def __init__(self, d, names=("a", "b"), script=""):
        initrd = d.dir / "initrd"
        initrd.write_bytes(guest.initramfs(d.build, MODULES, INITRAMFS))
        root_image(d.dir / names[0], guest.BUTTON + script)
        shutil.copy(d.dir / names[0], d.dir / names[1])
        self.vms = [Vm(d, name, initrd=initrd, disk=d.dir / name) for name in names]
        for vm in self.vms:
            seconds = vm.shell(240)
            check("guest: root is /dev/vda" in vm.text or "guest: root is /dev/root" in vm.text,
                  f"root on virtio-blk: {vm.text[-300:]}")
            check(vm.run("nproc").strip() == "2", "two processors")
            print(json.dumps({"metric": "stock guest to shell", "vm": vm.name, "vcpus": 2,
                              "memory_mib": MEMORY_MIB, "value": round(seconds, 1), "unit": "s"}), flush=True)


def attach(d, net, vm, address, path, *words):
    """By sriovctl, while the guest waits for it; its name and driver there, and how long that took."""
    since = vm.await_net(d.net(net)["mac"], address)
    began = time.monotonic()
    d.ctl("attach", net, vm.name, "--path", path, *words)
    said_s = time.monotonic() - began
    name, driver = vm.netdev(since)
    up_s = time.monotonic() - began
    check(vm.mac(name) == d.net(net)["mac"], f"{vm.name}: {name} has {net}'s MAC")
    print(json.dumps({"metric": "netdev up", "vm": vm.name, "net": net, "path": path, "driver": driver,
                      "sriovctl_s": round(said_s, 2), "value": round(up_s, 2), "unit": "s"}), flush=True)
    return name, driver


def detach(d, net):
    began = time.monotonic()
    said = d.ctl("detach", net)
    check("ejected" in said, f"the guest let go of {net}: {said}")
    print(json.dumps({"metric": "detach", "net": net, "value": round(time.monotonic() - began, 2),
                      "unit": "s"}), flush=True)


def neighbour(netns, address):
    found = run("ip", "-n", netns, "neigh", "show", address).split()
    return found[found.index("lladdr") + 1] if "lladdr" in found else None


def lan_of(d, netns, wire, a, b, addresses, driver, path, *words):
    """Nets blue and green on this path: what the two guests do with them, and blue's move from a to b."""
    mac = d.net("blue")["mac"]
    name, by = attach(d, "blue", a, addresses[0], path, *words)
    check(by == driver, f"{name} is driven by {by}, not by {driver}")
    a.pings(wire)
    attach(d, "green", b, addresses[1], path, *words)
    a.pings(addresses[1])
    b.serve()
    rates = {"to_wire": a.iperf3(wire), "to_guest": a.iperf3(addresses[1])}
    print(json.dumps({"metric": "iperf3", "path": path, "driver": driver, "unit": "Mbit/s", **rates}),
          flush=True)
    check(bed.ping(addresses[0], netns, 3, 60), "the wire pings blue")
    check(neighbour(netns, addresses[0]) == mac, f"by its MAC: {neighbour(netns, addresses[0])}")

    detach(d, "green")
    detach(d, "blue")
    check(not bed.ping(addresses[0], netns, 1, 2), "a detached net is not there")
    name, _ = attach(d, "blue", b, addresses[0], path, *words)
    check(bed.ping(addresses[0], netns, 3, 60), "the wire pings blue on, now in the other guest")
    check(neighbour(netns, addresses[0]) == mac, "under the same MAC")
    b.pings(wire)
    detach(d, "blue")
    for vm in (a, b):
        left = vm.run("ls /sys/class/net").split()
        check(left == ["lo"], f"{vm.name} is without it: {left}")
        bad = vm.complaints()
        check(not bad, f"{vm.name}: its kernel says {bad}")
