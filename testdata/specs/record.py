"""Turns what recorder.c left (NUL-separated bytes, /proc files) into the readable blocks of testdata/argv/ENGINE.txt."""

HEADER = """# How {version} called its runtime: recorded by testdata/specs/capture.
# A line "# ..." is the command that was typed; the calls that it caused follow. One call is a block of KEY VALUE lines, ended by an
# empty line:
#   caller  the parent process                          verb, bundle, id  what the call means; absent where it has none
#   cwd     the kernel adds " (deleted)" to a gone one  env    the NAMES only
#   sigpipe ignored or default                          score  the oom_score_adj that the runtime was started with
#   umask   octal                                       group  leader: the runtime leads its process group; member: it does not
#   fd      one line for each open descriptor           arg    one line for each argument, argv[0] first
# In values a byte outside 0x20..0x7e is \\xNN and a backslash is \\\\; everything else stands for itself.
"""
# For these the engine's last argument is the id.
ENDS_WITH_ID = {"create", "run", "restore", "start", "state", "exec", "delete", "pause", "resume", "update", "ps", "events"}
VERBS = ENDS_WITH_ID | {"kill", "features", "list", "spec"}


def shown(raw):
    """Bytes to the one-line form that HEADER describes."""
    return "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte <= 0x7E else f"\\x{byte:02x}" for byte in raw
    )


def meaning(args):
    """verb, bundle and id of an engine-written command line. Engines write few forms, so this needs no real parser; it is not
    the one under test. The verb is the first argument that is one: no engine here has a global value so named."""
    verb = next((arg.decode() for arg in args[1:] if arg.decode("latin-1") in VERBS), None)
    if verb is None:
        return None, None, None
    bundle = args[args.index(b"--bundle") + 1] if b"--bundle" in args else None
    if verb == "kill":
        rest = [arg for arg in args[args.index(b"kill") + 1 :] if arg != b"--all"]
        return verb, None, rest[0]
    return verb, bundle, args[-1] if verb in ENDS_WITH_ID else None


def status_field(call, name):
    for line in (call / "status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split()[1]
    raise SystemExit(f"capture: {call}/status has no {name}")


def block(call):
    args = (call / "argv").read_bytes().split(b"\0")[:-1]
    names = sorted({entry.split(b"=")[0] for entry in (call / "environ").read_bytes().split(b"\0")[:-1]})
    verb, bundle, identity = meaning(args)
    if bundle is not None and not (call / "config.json").exists():
        raise SystemExit(f"capture: {call}: a bundle was named, but no config.json was there")
    stat = (call / "stat").read_text().rpartition(")")[2].split()
    pid = status_field(call, "Pid")
    lines = [f"caller {shown((call / 'caller').read_bytes().strip())}"]
    lines += [f"verb {verb}"] if verb else []
    lines += [f"bundle {shown(bundle)}"] if bundle is not None else []
    lines += [f"id {shown(identity)}"] if identity is not None else []
    lines += [f"cwd {shown((call / 'cwd').read_bytes())}", f"env {shown(b' '.join(names))}".rstrip()]
    ignored = int(status_field(call, "SigIgn"), 16) >> 12 & 1  # SIGPIPE is 13, bit 12
    lines += [f"sigpipe {'ignored' if ignored else 'default'}"]
    lines += [f"score {(call / 'score').read_text().strip()}", f"umask {status_field(call, 'Umask')}"]
    lines += [f"group {'leader' if stat[2] == pid else 'member'}"]
    for line in (call / "fds").read_bytes().splitlines():
        fd, _, target = line.partition(b" ")
        kind = target.split(b":")[0] if target.startswith((b"pipe:", b"socket:")) else target
        lines.append(f"fd {fd.decode()} {shown(kind)}")
    lines += [f"arg {shown(arg)}".rstrip() if not arg else f"arg {shown(arg)}" for arg in args]
    return "\n".join(lines) + "\n"
