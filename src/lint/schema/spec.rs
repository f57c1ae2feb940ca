//! The types of runtime-spec 1.3 (`specs-go/config.go`), the Linux part of them.
//!
//! What other systems have is `Any`: no rule of ours knows them. A required member is one without which runc, crun or
//! youki refuse the spec or misread it.

use super::{Field, I32, I64, Object, Shape, TEXTS, U16, U32, U64, may, must, object};
use Shape::{Any, Bool, List, Map, Text};

/// The whole spec.
pub static SPEC: Object = Object {
    name: "the spec",
    fields: &[
        must("ociVersion", Text),
        may("process", PROCESS),
        must("root", object!("root": must("path", Text), may("readonly", Bool))),
        may("hostname", Text),
        may("domainname", Text),
        may("mounts", List(&MOUNT)),
        may("hooks", HOOKS),
        may("annotations", Map(&Text)),
        may("linux", LINUX),
        may("solaris", Any),
        may("windows", Any),
        may("vm", Any),
        may("zos", Any),
        may("freebsd", Any),
    ],
};

const ID_MAPPING: Shape = object!("a mapping": must("containerID", U32), must("hostID", U32), must("size", U32));

const MOUNT: Shape = object!("mounts[]":
    must("destination", Text),
    may("type", Text),
    may("source", Text),
    may("options", TEXTS),
    may("uidMappings", List(&ID_MAPPING)),
    may("gidMappings", List(&ID_MAPPING)),
);

const PROCESS: Shape = object!("process":
    may("terminal", Bool),
    may("consoleSize", object!("process.consoleSize": may("height", U64), may("width", U64))),
    may("user", USER),
    must("args", TEXTS),
    may("commandLine", Text),
    may("env", TEXTS),
    must("cwd", Text),
    may("capabilities", CAPABILITIES),
    may("rlimits", List(&object!("process.rlimits[]": must("type", Text), must("hard", U64), must("soft", U64)))),
    may("noNewPrivileges", Bool),
    may("apparmorProfile", Text),
    may("oomScoreAdj", I64),
    may("scheduler", SCHEDULER),
    may("selinuxLabel", Text),
    may("ioPriority", object!("process.ioPriority": must("class", Text), may("priority", I64))),
    may("execCPUAffinity", object!("process.execCPUAffinity": may("initial", Text), may("final", Text))),
);

const USER: Shape = object!("process.user":
    may("uid", U32),
    may("gid", U32),
    may("umask", U32),
    may("additionalGids", List(&U32)),
    may("username", Text),
);

const CAPABILITIES: Shape = object!("process.capabilities":
    may("bounding", TEXTS),
    may("effective", TEXTS),
    may("inheritable", TEXTS),
    may("permitted", TEXTS),
    may("ambient", TEXTS),
);

const SCHEDULER: Shape = object!("process.scheduler":
    must("policy", Text),
    may("nice", I32),
    may("priority", I32),
    may("flags", TEXTS),
    may("runtime", U64),
    may("deadline", U64),
    may("period", U64),
);

const HOOK: Shape = object!("a hook":
    must("path", Text),
    may("args", TEXTS),
    may("env", TEXTS),
    may("timeout", I64),
);

const HOOKS: Shape = object!("hooks":
    may("prestart", List(&HOOK)),
    may("createRuntime", List(&HOOK)),
    may("createContainer", List(&HOOK)),
    may("startContainer", List(&HOOK)),
    may("poststart", List(&HOOK)),
    may("poststop", List(&HOOK)),
);

const LINUX: Shape = object!("linux":
    may("uidMappings", List(&ID_MAPPING)),
    may("gidMappings", List(&ID_MAPPING)),
    may("sysctl", Map(&Text)),
    may("resources", RESOURCES),
    may("cgroupsPath", Text),
    may("namespaces", List(&object!("linux.namespaces[]": must("type", Text), may("path", Text)))),
    may("devices", List(&DEVICE)),
    may("netDevices", Map(&object!("linux.netDevices[]": may("name", Text)))),
    may("seccomp", SECCOMP),
    may("rootfsPropagation", Text),
    may("maskedPaths", TEXTS),
    may("readonlyPaths", TEXTS),
    may("mountLabel", Text),
    may("intelRdt", INTEL_RDT),
    may("memoryPolicy", object!("linux.memoryPolicy": must("mode", Text), may("nodes", Text), may("flags", TEXTS))),
    may("personality", object!("linux.personality": must("domain", Text), may("flags", TEXTS))),
    may("timeOffsets", object!("linux.timeOffsets": may("boottime", TIME_OFFSET), may("monotonic", TIME_OFFSET))),
);

const TIME_OFFSET: Shape = object!("linux.timeOffsets[]": may("secs", I64), may("nanosecs", U32));

const DEVICE: Shape = object!("linux.devices[]":
    must("path", Text),
    must("type", Text),
    may("major", I64),
    may("minor", I64),
    may("fileMode", U32),
    may("uid", U32),
    may("gid", U32),
);

const SECCOMP: Shape = object!("linux.seccomp":
    must("defaultAction", Text),
    may("defaultErrnoRet", U64),
    may("architectures", TEXTS),
    may("flags", TEXTS),
    may("listenerPath", Text),
    may("listenerMetadata", Text),
    may("syscalls", List(&SYSCALL)),
);

const SYSCALL: Shape = object!("linux.seccomp.syscalls[]":
    must("names", TEXTS),
    must("action", Text),
    may("errnoRet", U64),
    may("args", List(&object!("linux.seccomp.syscalls[].args[]":
        must("index", U64),
        must("value", U64),
        may("valueTwo", U64),
        must("op", Text),
    ))),
);

const INTEL_RDT: Shape = object!("linux.intelRdt":
    may("closID", Text),
    may("schemata", TEXTS),
    may("l3CacheSchema", Text),
    may("memBwSchema", Text),
    may("enableMonitoring", Bool),
    // Of the releases before 1.3.
    may("enableCMT", Bool),
    may("enableMBM", Bool),
);

const RESOURCES: Shape = object!("linux.resources":
    may("devices", List(&object!("linux.resources.devices[]":
        may("allow", Bool),
        may("type", Text),
        may("major", I64),
        may("minor", I64),
        may("access", Text),
    ))),
    may("memory", MEMORY),
    may("cpu", CPU),
    may("pids", object!("linux.resources.pids": may("limit", I64))),
    may("blockIO", BLOCK_IO),
    may("hugepageLimits", List(&object!("linux.resources.hugepageLimits[]": must("pageSize", Text), must("limit", U64)))),
    may("network", object!("linux.resources.network":
        may("classID", U32),
        may("priorities", List(&object!("linux.resources.network.priorities[]": must("name", Text), must("priority", U32)))),
    )),
    may("rdma", Map(&object!("linux.resources.rdma[]": may("hcaHandles", U32), may("hcaObjects", U32)))),
    may("unified", Map(&Text)),
);

const MEMORY: Shape = object!("linux.resources.memory":
    may("limit", I64),
    may("reservation", I64),
    may("swap", I64),
    may("kernel", I64),
    may("kernelTCP", I64),
    may("swappiness", U64),
    may("disableOOMKiller", Bool),
    may("useHierarchy", Bool),
    may("checkBeforeUpdate", Bool),
);

const CPU: Shape = object!("linux.resources.cpu":
    may("shares", U64),
    may("quota", I64),
    may("burst", U64),
    may("period", U64),
    may("realtimeRuntime", I64),
    may("realtimePeriod", U64),
    may("cpus", Text),
    may("mems", Text),
    may("idle", I64),
);

const THROTTLE: Shape = object!("a throttled device": must("major", I64), must("minor", I64), must("rate", U64));

const BLOCK_IO: Shape = object!("linux.resources.blockIO":
    may("weight", U16),
    may("leafWeight", U16),
    may("weightDevice", List(&object!("linux.resources.blockIO.weightDevice[]":
        must("major", I64),
        must("minor", I64),
        may("weight", U16),
        may("leafWeight", U16),
    ))),
    may("throttleReadBpsDevice", List(&THROTTLE)),
    may("throttleWriteBpsDevice", List(&THROTTLE)),
    may("throttleReadIOPSDevice", List(&THROTTLE)),
    may("throttleWriteIOPSDevice", List(&THROTTLE)),
);

/// The names of the members of an object, for suggestions.
pub fn names(fields: &'static [Field]) -> impl Iterator<Item = &'static str> {
    fields.iter().map(|field| field.name)
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "json_schema_tests.rs"]
mod json_schema_tests;
