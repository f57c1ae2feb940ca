"""scenarios/LIST: which scenarios there are, what boots them, and the check that none is forgotten."""

import dataclasses
import os
import re

# How often a scenario does what it does, by the word that its line and the kernel's command line have for it.
TIMES = {
    "storm": int(os.environ.get("VM_STORM", "12")),  # builds in each storm
    "populations": int(os.environ.get("VM_POPULATIONS", "6")),  # populations that rank is asked about
    "mixes": int(os.environ.get("VM_MIXES", "5")),  # mixes of jobs in guard-innocents
    "soak": int(os.environ.get("VM_SOAK", "60")),  # seconds of guard-soak
}

OWN, ON_DEMAND, SYSTEMD = "own", "on-demand", "systemd"


class Mistake(Exception):
    """The list and the directory contradict each other, or a name is unknown."""


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    boot: str  # scenarios of one boot share a VM; "own": a VM alone; "on-demand": alone, and only when named; "systemd": alone, below systemd
    seconds: int  # what it may take, inside the VM
    title: str = ""  # the first comment of its file


def read(directory):
    """The scenarios in the order of the list. Raises Mistake when a file is unlisted or a listed file is missing."""
    scenarios = []
    for number, line in enumerate((directory / "LIST").read_text().splitlines(), start=1):
        fields = line.split("#", 1)[0].split()
        if not fields:
            continue
        limit = re.fullmatch(rf"(\d+)(?:\+(\d+)\*({'|'.join(TIMES)}))?", fields[-1])
        if len(fields) != 3 or not limit:
            raise Mistake(f"scenarios/LIST:{number}: wanted `NAME BOOT SECONDS` or `NAME BOOT SECONDS+SECONDS*WORD` with a word of {', '.join(TIMES)}, found `{line}`")
        seconds = int(limit[1]) + (int(limit[2]) * TIMES[limit[3]] if limit[2] else 0)
        scenarios.append(Scenario(fields[0], fields[1], seconds, title(directory / f"{fields[0]}.sh")))
    names = [scenario.name for scenario in scenarios]
    files = {path.stem for path in directory.glob("*.sh")}
    problems = [f"{name} is listed twice" for name in sorted({name for name in names if names.count(name) > 1})]
    problems += [f"{name}.sh is not in scenarios/LIST" for name in sorted(files - set(names))]
    problems += [f"{name} is in scenarios/LIST but there is no {name}.sh" for name in sorted(set(names) - files)]
    if problems:
        raise Mistake("; ".join(problems))
    return scenarios


def title(path):
    """The first line of a scenario, which says what it shows; empty when the file is missing, which is reported by name."""
    if not path.exists():
        return ""
    with path.open() as file:
        return file.readline().removeprefix("#").strip()


def choose(scenarios, names):
    """The named ones, in the order of the list; all but those on demand when none is named."""
    unknown = set(names) - {scenario.name for scenario in scenarios}
    if unknown:
        raise Mistake(f"no such scenario: {', '.join(sorted(unknown))}")
    return [scenario for scenario in scenarios if (scenario.name in names if names else scenario.boot != ON_DEMAND)]


def times():
    """TIMES for the kernel's command line, where the scenarios read them."""
    return " ".join(f"oomshim.{word}={number}" for word, number in TIMES.items())


def boots(scenarios):
    """Groups of scenarios that share a VM, the longest first so that two VMs side by side end together."""
    groups = {}
    for scenario in scenarios:
        key = f"own-{scenario.name}" if scenario.boot in (OWN, ON_DEMAND, SYSTEMD) else scenario.boot
        groups.setdefault(key, []).append(scenario)
    return sorted(groups.items(), key=lambda item: -sum(scenario.seconds for scenario in item[1]))
