"""Runs groups of scenarios in VMs side by side and turns what comes out of them into results."""

import base64
import concurrent.futures
import dataclasses
import gzip
import pathlib
import re
import shutil
import threading
import time

import listing
import vm

BOOT_SECONDS = 60  # from qemu's start to the first scenario: far above what a loaded machine needs
GRACE_SECONDS = 20  # the guest ends a scenario at its limit itself; past this the VM hangs
POLL_SECONDS = 0.1


@dataclasses.dataclass
class Result:
    name: str
    passed: bool
    text: str


class Printer:
    """One line per scenario, whole, whichever VM it comes from."""

    def __init__(self, out, verbose):
        self._lock = threading.Lock()
        self._verbose = verbose
        self._report = out / "report.txt"
        self._report.write_text("")

    def result(self, result, seconds, notes, tables):
        line = f"PASS {result.name} ({seconds})" if result.passed else f"FAIL {result.name}: {result.text}"
        shown = [line] + ([f"     {note}" for note in notes] if self._verbose else []) + [f"     {row}" for row in tables]
        with self._lock:
            print("\n".join(shown), flush=True)
            with self._report.open("a") as report:
                report.write("\n".join([line] + [f"     {note}" for note in notes + tables] + [""]))


def run_all(scenarios, out, jobs, verbose):
    """The results of all of them, in the order of the list."""
    printer = Printer(out, verbose)
    results = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        boots = [pool.submit(run_boot, name, group, out, printer) for name, group in listing.boots(scenarios)]
        for boot in boots:
            results += boot.result()
    order = [scenario.name for scenario in scenarios]
    return sorted(results, key=lambda result: order.index(result.name))


def run_boot(name, group, out, printer):
    """Runs a group in one VM; when a scenario takes the VM down, the rest of the group gets a new one."""
    results = []
    left = list(group)
    attempt = 0
    while left:
        attempt += 1
        label = name if attempt == 1 else f"{name}-{attempt}"
        done = Boot(label, left, out, printer).run()
        results += done
        left = left[len(done) :]
    return results


class Boot:
    def __init__(self, label, scenarios, out, printer):
        self._scenarios = scenarios
        self._out = out
        self._printer = printer
        self._label = label
        self._results = []
        self._forget()

    def _forget(self):
        self._notes, self._tables, self._wanted_panic, self._began = [], [], None, None
        self._files = {}

    def run(self):
        """At least one result, so that a VM that does not even boot is a failure and not a loop."""
        wanted = ",".join(f"{scenario.name}:{scenario.seconds}" for scenario in self._scenarios)
        logs = self._out / "logs"
        systemd = "oomshim.systemd " if self._scenarios[0].boot == listing.SYSTEMD else ""
        machine = vm.Vm(self._out, f"{systemd}{listing.times()} oomshim.run={wanted}", logs / f"{self._label}.serial", logs / f"{self._label}.verdicts")
        deadline = time.monotonic() + BOOT_SECONDS
        try:
            while True:
                running = machine.running()
                for line in machine.lines():
                    deadline = self._take(line, deadline, machine)
                if len(self._results) == len(self._scenarios):
                    break
                if not running or time.monotonic() > deadline:
                    self._lost(machine, hung=running)
                    break
                time.sleep(POLL_SECONDS)
        finally:
            machine.stop()
        return self._results

    def _current(self):
        return self._scenarios[len(self._results)]

    def _take(self, line, deadline, machine):
        """One verdict line; returns the new deadline."""
        verb, _, rest = line.partition(" ")
        name, _, text = rest.partition(" ")
        if verb == "BEGIN":
            self._began = time.monotonic()
            return self._began + self._current().seconds + GRACE_SECONDS
        if verb == "NOTE":
            self._notes.append(text)
        elif verb == "TABLE":
            self._tables.append(text)
        elif verb == "FILE":
            self._file(name, *text.partition(" ")[::2])
        elif verb == "PANIC":
            self._wanted_panic = text
        elif verb in ("PASS", "FAIL"):
            seconds, _, why = text.partition(" ")
            why = why.strip()
            if verb == "PASS" and self._wanted_panic:
                verb, why = "FAIL", "the kernel was to panic and did not"
            if verb == "PASS" and why:
                self._notes.append(why)
            self._finish(name, verb == "PASS", why, f"{seconds}s", machine)
            return time.monotonic() + BOOT_SECONDS
        return deadline

    def _file(self, scenario, name, chunk):
        """A file comes out of the VM in chunks of base64 of gzip; an empty one ends it."""
        if chunk:
            self._files.setdefault(name, []).append(chunk)
            return
        directory = self._out / "files" / scenario
        directory.mkdir(parents=True, exist_ok=True)
        (directory / pathlib.Path(name).name).write_bytes(gzip.decompress(base64.b64decode("".join(self._files.pop(name)))))

    def _lost(self, machine, hung):
        """The VM ended or hangs in the middle of a scenario."""
        panic = machine.panic()
        took = f"{time.monotonic() - self._began:.1f}s" if self._began else "boot"
        if panic and self._wanted_panic and re.search(self._wanted_panic, panic):
            self._notes.append(f"the kernel panicked as it was to: {panic}")
            return self._finish(self._current().name, True, "", took, machine)
        if panic:
            why = f"kernel panic: {panic}"
        elif hung:
            why = f"the VM hangs: no verdict {GRACE_SECONDS} s after the limit" if self._began else f"did not boot in {BOOT_SECONDS} s"
        else:
            why = "the VM ended without a verdict"
        return self._finish(self._current().name, False, why, took, machine)

    def _finish(self, name, passed, why, took, machine):
        result = Result(name, passed, why)
        if not passed:
            kept = self._out / "failed" / f"{name}.serial"
            shutil.copy(machine.log, kept)
            result.text += f" [target/vm/failed/{kept.name}]"
        self._results.append(result)
        self._printer.result(result, took, self._notes, self._tables)
        self._forget()
