//! The types of podman's `containers.conf` that say how containers start (containers/common `pkg/config/config.go`).
//!
//! A value of another type keeps podman from starting anything; a key that it does not know is ignored.

use super::{I64, Object, Shape, TEXTS, may, object};
use Shape::{Any, Map, Text};

/// The whole file.
pub static CONTAINERS_CONF: Object = Object {
    name: "containers.conf",
    fields: &[
        may(
            "containers",
            object!("containers":
                may("annotations", TEXTS),
                may("cgroupns", Text),
                may("cgroups", Text),
                may("default_ulimits", TEXTS),
                may("env", TEXTS),
                may("init_path", Text),
                may("oom_score_adj", I64),
                may("pids_limit", I64),
                may("shm_size", Text),
            ),
        ),
        may(
            "engine",
            object!("engine":
                may("cgroup_manager", Text),
                may("conmon_env_vars", TEXTS),
                may("conmon_path", TEXTS),
                may("events_logger", Text),
                may("hooks_dir", TEXTS),
                may("runtime", Text),
                may("runtime_path", TEXTS),
                may("runtime_supports_json", TEXTS),
                may("runtime_supports_kvm", TEXTS),
                may("runtime_supports_nocgroup", TEXTS),
                may("runtimes", Map(&TEXTS)),
            ),
        ),
        may("network", Map(&Any)),
    ],
};
