//! `unit-engine-killed`: a unit that takes an engine or an agent down together with its jobs.

use std::path::Path;

use crate::lint::rule::prelude::*;
use crate::lint::unit::values;

pub(super) struct UnitEngineKilled;

impl Rule for UnitEngineKilled {
    fn meta(&self) -> &'static Meta {
        &Meta {
            name: "unit-engine-killed",
            summary: "a unit that kills an engine or CI agent together with its jobs",
            group: Group::Killing,
            severity: Severity::Warning,
            confidence: Confidence::High,
            fixable: Fixable::No,
            kinds: &[FileKind::Unit],
            why: prose! {
                /// When one job runs out of memory, the daemon that started it goes with it, and all other jobs after
                /// it.
            },
            what: prose! {
                /// `ExecStart=` starts an engine (dockerd, containerd, buildkitd, `podman system service`, crio, k3s,
                /// rke2) or a CI agent (buildkite-agent, gitlab-runner, Runner.Listener, woodpecker-agent,
                /// drone-runner-docker, act_runner, nomad), and the unit has `OOMPolicy=kill`, which sets
                /// memory.oom.group on its cgroup, or `OOMPolicy=stop`, which stops the whole unit after one kill, or
                /// `ManagedOOMMemoryPressure=kill` or `ManagedOOMSwap=kill`, by which systemd-oomd kills all of it. A
                /// drop-in is judged by the unit that its directory is called after.
            },
            fix: prose! {
                /// Write `OOMPolicy=continue` and `ManagedOOM…=auto`; `systemctl daemon-reload` and a restart of the
                /// unit apply them.
            },
        }
    }

    fn check(&self, subject: &Subject<'_>, report: &mut Report<'_>) {
        let Some(program) = daemon(subject) else { return };
        for (key, bad, what) in [
            ("OOMPolicy", &["kill", "stop"][..], "ends the whole unit after one kill"),
            ("ManagedOOMMemoryPressure", &["kill"], "lets systemd-oomd kill all of it"),
            ("ManagedOOMSwap", &["kill"], "lets systemd-oomd kill all of it"),
        ] {
            let Some(node) = values(subject.root(), "Service", key).pop() else { continue };
            let value = node.text().unwrap_or_default();
            if bad.contains(&&*value) {
                report
                    .at(&node, format!("{key}={value} {what}, and {program} with it"))
                    .label("takes the daemon down")
                    .emit();
            }
        }
        by_default(subject, &program, report);
    }
}

const DAEMONS: [&str; 14] = [
    "dockerd",
    "containerd",
    "buildkitd",
    "podman",
    "crio",
    "buildkite-agent",
    "gitlab-runner",
    "Runner.Listener",
    "woodpecker-agent",
    "drone-runner-docker",
    "act_runner",
    "nomad",
    "k3s",
    "rke2",
];

/// Programs that become, or start, the one that their arguments name.
const WRAPPERS: [&str; 12] = [
    "env",
    "sh",
    "bash",
    "nice",
    "ionice",
    "chrt",
    "taskset",
    "numactl",
    "prlimit",
    "systemd-inhibit",
    "dockerd-entrypoint.sh",
    "oomshim",
];

/// The engine or agent that the unit starts; of a drop-in without `ExecStart=` the unit's name tells.
pub(super) fn daemon(subject: &Subject<'_>) -> Option<String> {
    let starts = values(subject.root(), "Service", "ExecStart");
    if starts.is_empty() {
        return unit_of_drop_in(subject.name);
    }
    starts.into_iter().find_map(|node| started(&node.text()?))
}

/// The engine or agent that a command line starts.
fn started(line: &str) -> Option<String> {
    let quotes = ['-', '@', ':', '+', '!', '|', '"', '\''];
    let words = line.split_whitespace().map(|word| word.trim_start_matches(quotes).trim_end_matches(['"', '\'']));
    let files: Vec<&str> = words.map(|word| word.rsplit('/').next().unwrap_or_default()).collect();
    let is_wrapped = WRAPPERS.contains(files.first()?);
    let program = files.iter().take(if is_wrapped { files.len() } else { 1 }).find(|file| DAEMONS.contains(file))?;
    // Any other podman is one container, which the unit may well end.
    let is_daemon = *program != "podman" || files.windows(2).any(|pair| pair == ["system", "service"]);
    is_daemon.then(|| (*program).to_owned())
}

fn unit_of_drop_in(name: &Path) -> Option<String> {
    let directory = name.parent()?.file_name()?.to_str()?;
    let name = match directory.strip_suffix(".service.d")? {
        "docker" => "dockerd",
        "buildkit" => "buildkitd",
        "cri-o" => "crio",
        other => other,
    };
    DAEMONS.contains(&name).then(|| name.to_owned())
}

/// Agents whose jobs run in the unit's own cgroup, or below it.
const AGENTS: [&str; 5] = ["buildkite-agent", "gitlab-runner", "Runner.Listener", "woodpecker-agent", "act_runner"];

/// What systemd does where the unit does not say: it stops a unit in which a process was killed for memory, except one
/// with `Delegate=` since systemd 253.
fn by_default(subject: &Subject<'_>, program: &str, report: &mut Report<'_>) {
    let last = |key: &str| values(subject.root(), "Service", key).pop();
    let Some(start) = last("ExecStart").filter(|_| AGENTS.contains(&program)) else { return };
    let delegates =
        last("Delegate").and_then(Node::text).is_some_and(|text| !matches!(&*text, "no" | "false" | "0" | "off"));
    if last("OOMPolicy").is_none() && !delegates {
        let message = format!("without OOMPolicy= systemd stops {program} when one of its jobs is killed for memory");
        report.at(&start, message).label("OOMPolicy=stop is the default").confidence(Confidence::Medium).emit();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::lint::{self, Options};

    #[test]
    fn daemons_are_not_to_die_with_their_jobs() {
        let fires = |name: &str, text: &str| {
            let outcome = lint::bytes(Path::new(name), text.as_bytes(), None, &Options::default()).unwrap();
            outcome.findings.iter().filter(|finding| finding.rule.name == "unit-engine-killed").count()
        };
        let unit = |program: &str, setting: &str| format!("[Service]\nExecStart={program}\n{setting}\n");
        assert_eq!(fires("x.service", &unit("/usr/bin/dockerd -H fd://", "OOMPolicy=kill")), 1);
        assert_eq!(fires("x.service", &unit("-/usr/bin/env buildkite-agent start", "ManagedOOMSwap=kill")), 2);
        assert_eq!(fires("x.service", &unit("/usr/bin/buildkite-agent start", "")), 1);
        assert_eq!(fires("x.service", &unit("/usr/bin/buildkite-agent start", "OOMPolicy=continue")), 0);
        assert_eq!(fires("x.service", &unit("/usr/bin/buildkite-agent start", "Delegate=yes")), 0);
        assert_eq!(fires("x.service", &unit("/usr/bin/dockerd", "OOMPolicy=continue")), 0);
        assert_eq!(fires("x.service", &unit("/bin/sh -c \"exec /usr/bin/dockerd\"", "OOMPolicy=stop")), 1);
        assert_eq!(fires("x.service", &unit("/usr/bin/podman --log-level=info system service", "OOMPolicy=kill")), 1);
        for other in
            ["/usr/bin/nginx", "/usr/bin/podman run alpine", "/usr/bin/docker run x dockerd", "/bin/wait containerd"]
        {
            assert_eq!(fires("x.service", &unit(other, "OOMPolicy=kill")), 0, "{other}");
        }
        assert_eq!(fires("docker.service.d/50.conf", "[Service]\nOOMPolicy=stop\n"), 1);
        assert_eq!(fires("nginx.service.d/50.conf", "[Service]\nOOMPolicy=stop\n"), 0);
    }
}
