"""What the harness makes of a VM that panics, hangs or says nothing: python3 -m unittest discover -s integration/vm/host

No VM is started. A scripted one stands in for it, so that the harness itself is known to fail where it must.
"""

import base64
import gzip
import pathlib
import tempfile
import unittest
from unittest import mock

import listing
import schedule


class Scripted:
    """A VM that says the given lines, then runs on or ends, with or without a panic."""

    def __init__(self, lines, ends=True, panic=None):
        self._lines, self._ends, self._panic = lines, ends, panic
        self.log = pathlib.Path("/dev/null")

    def __call__(self, *_):
        return self

    def lines(self):
        lines, self._lines = self._lines, []
        return lines

    def running(self):
        return not self._ends

    def stop(self):
        pass

    def panic(self):
        return self._panic


def outcomes(machines, names=("a",)):
    """The results of scenarios `names`, which share a boot, on `machines`, one after another."""
    scenarios = [listing.Scenario(name, "shared", 0) for name in names]
    with (
        tempfile.TemporaryDirectory() as directory,
        mock.patch.object(schedule.vm, "Vm", side_effect=machines),
        mock.patch.multiple(schedule, BOOT_SECONDS=0.2, GRACE_SECONDS=0.2, POLL_SECONDS=0.01),
        mock.patch("builtins.print"),
    ):
        out = pathlib.Path(directory)
        (out / "failed").mkdir()
        (out / "logs").mkdir()
        results = schedule.run_all(scenarios, out, jobs=1, verbose=False)
        came_out = {path.name: path.read_bytes() for path in out.glob("files/*/*")}
    if came_out:
        return came_out
    return [(result.name, result.passed, result.text.split(" [")[0]) for result in results]


class Outcomes(unittest.TestCase):
    def test_a_verdict_is_taken(self):
        self.assertEqual(outcomes([Scripted(["BEGIN a", "PASS a 1.0 "])]), [("a", True, "")])
        self.assertEqual(outcomes([Scripted(["BEGIN a", "FAIL a 1.0 a reason"])]), [("a", False, "a reason")])

    def test_a_panic_fails_and_the_rest_gets_another_vm(self):
        first = Scripted(["BEGIN a"], panic="Fatal exception")
        second = Scripted(["BEGIN b", "PASS b 1.0 "])
        self.assertEqual(outcomes([first, second], ("a", "b")), [("a", False, "kernel panic: Fatal exception"), ("b", True, "")])

    def test_an_announced_panic_passes_and_no_other(self):
        announced = ["BEGIN a", "PANIC a deadlocked on memory"]
        self.assertTrue(outcomes([Scripted(announced, panic="System is deadlocked on memory")])[0][1])
        self.assertFalse(outcomes([Scripted(announced, panic="Fatal exception")])[0][1])
        self.assertFalse(outcomes([Scripted(announced)])[0][1])
        self.assertFalse(outcomes([Scripted(announced + ["PASS a 1.0 "])])[0][1])

    def test_a_file_comes_out_whole(self):
        text = base64.b64encode(gzip.compress(b"one\ntwo\n")).decode()
        lines = ["BEGIN a", f"FILE a ../b.svg {text[:20]}", f"FILE a ../b.svg {text[20:]}", "FILE a ../b.svg", "PASS a 1.0 "]
        self.assertEqual(outcomes([Scripted(lines)]), {"b.svg": b"one\ntwo\n"})

    def test_a_hang_fails(self):
        self.assertIn("hangs", outcomes([Scripted(["BEGIN a"], ends=False)])[0][2])
        self.assertIn("did not boot", outcomes([Scripted([], ends=False)])[0][2])

    def test_silence_fails(self):
        self.assertEqual(outcomes([Scripted([])])[0][1:], (False, "the VM ended without a verdict"))


class Lists(unittest.TestCase):
    def read(self, text, files):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory)
            (path / "LIST").write_text(text)
            for name in files:
                (path / f"{name}.sh").touch()
            return listing.read(path)

    def test_a_list_and_its_folder_must_agree(self):
        self.assertEqual([scenario.name for scenario in self.read("a own 5\n# b own 5\n", ["a"])], ["a"])
        for text, files in (("a own 5\n", []), ("", ["a"]), ("a own 5\na own 5\n", ["a"]), ("a own\n", ["a"]), ("a own five\n", ["a"])):
            with self.assertRaises(listing.Mistake):
                self.read(text, files)

    def test_a_storm_takes_longer_when_it_is_longer(self):
        with mock.patch.dict(listing.TIMES, storm=100):
            self.assertEqual(self.read("a own 90+2*storm\n", ["a"])[0].seconds, 290)
            self.assertIn("oomshim.storm=100", listing.times())
        with self.assertRaises(listing.Mistake):
            self.read("a own 90+2*storms\n", ["a"])

    def test_on_demand_is_by_name_only(self):
        scenarios = self.read("a own 5\nb on-demand 5\n", ["a", "b"])
        self.assertEqual([scenario.name for scenario in listing.choose(scenarios, [])], ["a"])
        self.assertEqual([scenario.name for scenario in listing.choose(scenarios, ["b"])], ["b"])
        with self.assertRaises(listing.Mistake):
            listing.choose(scenarios, ["c"])


if __name__ == "__main__":
    unittest.main()
