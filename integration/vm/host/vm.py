"""One VM: the qemu command, and the two serial ports it speaks through."""

import os
import subprocess

# The kernel starts over at once when it panics (panic=-1) and qemu leaves instead of starting over (-no-reboot): a panic ends the VM.
# loglevel=5 lets the out-of-memory killer's report through, without the task dumps.
# no_timer_check: on a loaded host the emulated timer is late, and the kernel panics at boot ("IO-APIC + timer doesn't work").
KERNEL = "console=ttyS0 no_timer_check panic=-1 loglevel=5 oops=panic log_buf_len=4M cgroup_no_v1=all mitigations=off nokaslr random.trust_cpu=on"


def command(out, append, serial, memory=None):
    """The qemu command line. `serial`: two -serial values, the kernel's console and the verdicts."""
    accel = os.environ.get("VM_ACCEL", "tcg")
    memory = memory or os.environ.get("VM_MEMORY", "1024")
    return [
        "qemu-system-x86_64",
        *("-machine", "pc", "-accel", "tcg,thread=multi" if accel == "tcg" else accel),
        *("-cpu", os.environ.get("VM_CPU", "max,-erms,-fsrm") if accel == "tcg" else "host"),
        *("-smp", os.environ.get("VM_CPUS", "2"), "-m", memory),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none"),
        *("-kernel", str(out / ("vmlinuz" + (f"-{os.environ['VM_KERNEL']}" if os.environ.get("VM_KERNEL") else ""))), "-initrd", str(out / "initramfs.gz")),
        *("-append", f"{KERNEL} {append} {os.environ.get('VM_APPEND', '')}"),
        # Every VM writes into a snapshot of its own, gone when it ends.
        *("-drive", f"file={out / 'root.img'},format=raw,if=virtio,snapshot=on,cache=unsafe"),
        *("-serial", serial[0], "-serial", serial[1]),
    ]


class Vm:
    """A running VM that writes its console to LOG and its verdicts to VERDICTS."""

    def __init__(self, out, append, log, verdicts):
        self.log = log
        self.verdicts = verdicts
        for path in (log, verdicts):
            path.write_bytes(b"")
        self.process = subprocess.Popen(
            command(out, append, (f"file:{log}", f"file:{verdicts}")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(log.with_suffix(".qemu")).open("wb"),
        )
        self._read = 0

    def lines(self):
        """The whole verdict lines that came since the last call."""
        with self.verdicts.open("rb") as file:
            file.seek(self._read)
            chunk = file.read()
        whole = chunk[: chunk.rfind(b"\n") + 1]
        self._read += len(whole)
        return [line.strip() for line in whole.decode("utf-8", "replace").splitlines() if line.strip()]

    def running(self):
        return self.process.poll() is None

    def stop(self):
        if self.running():
            self.process.kill()
        self.process.wait()

    def panic(self):
        """The kernel's last words, or None."""
        for line in self.log.read_text("utf-8", "replace").splitlines():
            if "Kernel panic - not syncing" in line:
                return line.split("Kernel panic - not syncing:", 1)[-1].strip()
        return None
