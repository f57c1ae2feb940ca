"""scenarios/LIST: which scenarios there are, what boots them, and the check that none is forgotten."""

import dataclasses
import os
import re

STORM = int(os.environ.get("VM_STORM", "12"))  # builds in each storm

OWN, ON_DEMAND, SYSTEMD = "own", "on-demand", "systemd"


class Mistake(Exception):
    """The list and the folder contradict each other, or a name is unknown."""


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    boot: str  # scenarios of one boot share a VM; "own": a VM alone; "on-demand": alone, and only when named; "systemd": alone, below systemd
    seconds: int  # what it may take, inside the VM
    title: str = ""  # the first comment of its file


def read(folder):
    """The scenarios in the order of the list. Raises Mistake when a file is unlisted or a listed file is missing."""
    scenarios = []
    for number, line in enumerate((folder / "LIST").read_text().splitlines(), start=1):
        fields = line.split("#", 1)[0].split()
        if not fields:
            continue
        limit = re.fullmatch(r"(\d+)(?:\+(\d+)\*storm)?", fields[-1])
        if len(fields) != 3 or not limit:
            raise Mistake(f"scenarios/LIST:{number}: wanted `NAME BOOT SECONDS` or `NAME BOOT SECONDS+SECONDS*storm`, found `{line}`")
        scenarios.append(Scenario(fields[0], fields[1], int(limit[1]) + int(limit[2] or 0) * STORM, title(folder / f"{fields[0]}.sh")))
    names = [scenario.name for scenario in scenarios]
    files = {path.stem for path in folder.glob("*.sh")}
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


def boots(scenarios):
    """Groups of scenarios that share a VM, the longest first so that two VMs side by side end together."""
    groups = {}
    for scenario in scenarios:
        key = f"own-{scenario.name}" if scenario.boot in (OWN, ON_DEMAND, SYSTEMD) else scenario.boot
        groups.setdefault(key, []).append(scenario)
    return sorted(groups.items(), key=lambda item: -sum(scenario.seconds for scenario in item[1]))
