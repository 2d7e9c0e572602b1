# SPDX-License-Identifier: BSD-3-Clause
"""sriovd and sriovctl on the testbed's PFs: a daemon without software NICs, and what the tests compare.

Nothing may hang: every request and every command here has a time limit.
"""
import json
import os
import pathlib
import subprocess
import sys
import threading

import bed
import harness
from bed import PF, check, eventually, run

LIMIT_S = 90  # for one request, on this machine
WIRE_ADDRESS = "10.255.255.1/8"  # bench guests have addresses in 10/8


class Managed(harness.Daemon):
    def __init__(self, build):
        super().__init__(build, nics=[])

    def call(self, method, path, body=None, timeout=LIMIT_S):
        return super().call(method, path, body, timeout / harness.SLOW)

    # ---- sriovctl ----

    def ctl(self, *words, ok=True):
        """What sriovctl prints; with ok False its CompletedProcess, when it must fail."""
        done = subprocess.run(
            [self.build / "cli/sriovctl", *map(str, words)], stdin=subprocess.DEVNULL,
            env={**os.environ, "SRIOVD_SOCKET": str(self.run_dir / "sriovd.sock")},
            capture_output=True, text=True, timeout=LIMIT_S, check=False)
        said = f"sriovctl {' '.join(map(str, words))}: {done.returncode}: " \
               f"{(done.stderr or done.stdout).strip()}"
        print(said, flush=True)
        check((done.returncode == 0) == ok, said)
        return done.stdout if ok else done

    def ctl_refused(self, words, *command):
        done = self.ctl(*command, ok=False)
        for word in words:
            check(word in done.stderr, f"\"{done.stderr.strip()}\" does not say {word}")

    def verified(self, net, seconds=1):
        """sriovctl net verify: every line, none bad."""
        found = json.loads(self.ctl("net", "verify", net, "--seconds", seconds, "--json"))
        check(found["ok"] and not [c for c in found["checks"] if c["state"] == "bad"], f"{found}")
        return {c["name"]: c for c in found["checks"]}

    # ---- objects ----

    def add(self, pf=PF, name="p1", num_vfs=0, driver=None):
        more = ["--driver", driver] if driver else []
        self.ctl("pf", "add", pf.address, "--name", name, *more)
        eventually(lambda: self.pf(name)["state"] == "up", f"{name} is up")
        if num_vfs:
            self.set_vfs(num_vfs, name)
        return self.pf(name)

    def remove(self, name="p1"):
        self.ctl("pf", "remove", name)

    def states(self, name="p1"):
        return [v["state"] for v in self.call("GET", f"/v1/vfs?pf={name}")["vfs"]]

    def address(self, net):
        return self.net(net)["guest"]["ipv4"]

    def attached(self, net, vm):
        """Attached by sriovctl; its VF's number and its address."""
        self.ctl("attach", net, vm)
        now = self.net(net)
        check(now["state"] == "attached" and now["guest"]["state"] == "up" and
              now["guest"]["mac"] == now["mac"], f"{now}")
        return int(now["vf"].rpartition("/")[2]), now["guest"]["ipv4"]

    # ---- events ----

    def events(self, after=0):
        return self.call("GET", f"/v1/events?after={after}")["events"]

    def last_event(self):
        return self.call("GET", "/v1/events")["last"]

    def wait_event(self, after, obj, *words):
        """An event of this object that has these words, newer than that."""
        def there():
            return next((e for e in self.events(after) if e["object"] == obj and
                         all(w in f"{e['event']} {e['text']}" for w in words)), None)
        return eventually(there, f"an event of {obj} with {words}", 3)


class Meanwhile(threading.Thread):
    """Something of the kernel's that might block, besides; done(seconds) takes it back."""

    def __init__(self, what, *words):
        super().__init__(daemon=True)
        self.what, self.words, self.error = what, words, None
        self.start()

    def run(self):
        try:
            self.what(*self.words)
        except Exception as e:  # noqa: BLE001 (told by done())
            self.error = e

    def done(self, seconds):
        self.join(seconds)
        check(not self.is_alive(), f"{self.what} {self.words} did not return within {seconds} s")
        if self.error:
            raise self.error


def moving(vf):
    return {k: v for k, v in vf.items() if k != "stats"}


def vf_as_ip_says(n, pf=PF):
    """Attributes of a VF by ip link, without counters."""
    return moving(pf.vf_show(n))


def as_found(pf=PF):
    """What sriovd must leave as it was."""
    link = pf.show()
    keep = ("ifname", "address", "mtu", "flags", "operstate", "txqlen", "promiscuity", "allmulti")
    return {"driver": pf.driver(), "override": pf.attribute("driver_override"),
            "vfs": pf.num_vfs(), "autoprobe": pf.attribute("sriov_drivers_autoprobe"),
            "link": {k: link.get(k) for k in keep},
            "vfinfo": [moving(v) for v in link.get("vfinfo_list", [])]}


def given_back(before, pf=PF):
    """As it was found, as soon as its link is back: igb restarts it when the VFs go."""
    eventually(lambda: as_found(pf)["link"]["operstate"] == before["link"]["operstate"], "a link", 3)
    after = as_found(pf)
    check(after == before, f"as found:\n{after}\n{before}")


def clean(baseline, pf=PF):
    """All VFs as they were when they were made."""
    now = [vf_as_ip_says(n, pf) for n in range(pf.num_vfs())]
    check(now == baseline, f"VFs are not at their baseline:\n{now}\n{baseline}")


def baseline(pf=PF):
    return [vf_as_ip_says(n, pf) for n in range(pf.num_vfs())]


def pings(address, count=3):
    """The wire's end reaches the guest."""
    check(bed.ping(address, "wire", count, 60), f"the wire pings {address}")


def main(test, make=Managed):
    """Run test(daemon), as make(build directory) makes it; afterwards nothing of sriovd's may be left."""
    def whole(build):
        d = make(build)
        try:
            d.start()
            test(d)
            d.shutdown()
            left = d.leftovers()
            check(not left, f"left behind: {left}")
            found = d.sanitizers()
            check(not found, "\n".join(found))
        except BaseException:
            d.tell()
            raise
        finally:
            d.clean_up()
    sys.stderr = sys.stdout
    bed.main(whole)
