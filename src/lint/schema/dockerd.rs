//! What dockerd reads from its `daemon.json` (moby `daemon/config`, 20.10 to 29), each type as `dockerd --validate` takes
//! it, and the names that it refuses or ignores.
//!
//! A key at the top that is no option keeps dockerd from starting. So do those inside of an object that is no option's.

use super::{I64, Object, Shape, TEXTS, may};
use Shape::{Any, Bool, List, Map, Text};

macro_rules! object {
    ($name:literal: $($field:expr),+ $(,)?) => {
        Shape::Object(&Object { name: $name, fields: const { &[$($field),+] } })
    };
}

/// The whole file.
pub static DOCKERD: Object = Object {
    name: "daemon.json",
    fields: &[
        may("allow-direct-routing", Bool),
        may("apparmor-profile", Text),
        may("authorization-plugins", TEXTS),
        may("bip", Text),
        may("bip6", Text),
        may("bridge", Text),
        may("bridge-accept-fwmark", Text),
        may("builder", BUILDER),
        may("cdi-spec-dirs", TEXTS),
        may("cgroup-parent", Text),
        may("containerd", Text),
        may("containerd-namespace", Text),
        may("containerd-plugins-namespace", Any),
        may("cpu-rt-period", I64),
        may("cpu-rt-runtime", I64),
        may("cri-containerd", Bool),
        may("data-root", Text),
        may("debug", Bool),
        may("default-address-pools", List(&Any)),
        may("default-cgroupns-mode", Text),
        may("default-gateway", Text),
        may("default-gateway-v6", Text),
        may("default-ipc-mode", Text),
        may("default-network-opts", Map(&Map(&Text))),
        may("default-runtime", Text),
        may("default-shm-size", Text),
        may("default-stop-timeout", I64),
        may(
            "default-ulimits",
            Map(&object!("default-ulimits[]": may("Name", Text), may("Hard", I64), may("Soft", I64))),
        ),
        may("dns", TEXTS),
        may("dns-opts", TEXTS),
        may("dns-search", TEXTS),
        may("exec-opts", TEXTS),
        may("exec-root", Text),
        may("experimental", Bool),
        may("extension-config", Any),
        may("extension-dirs", TEXTS),
        may("features", Map(&Bool)),
        may("firewall-backend", Text),
        may("fixed-cidr", Text),
        may("fixed-cidr-v6", Text),
        may("group", Text),
        may("host-gateway-ip", Text),
        may("host-gateway-ips", TEXTS),
        may("hosts", TEXTS),
        may("http-proxy", Text),
        may("https-proxy", Text),
        may("icc", Bool),
        may("init", Bool),
        may("init-path", Text),
        may("insecure-registries", TEXTS),
        may("ip", Text),
        may("ip-forward", Bool),
        may("ip-forward-no-drop", Bool),
        may("ip-masq", Bool),
        may("ip6tables", Bool),
        may("iptables", Bool),
        may("ipv6", Bool),
        may("labels", TEXTS),
        may("live-restore", Bool),
        may("log-driver", Text),
        may("log-format", Text),
        may("log-level", Text),
        may("log-opts", Map(&Text)),
        may("max-concurrent-downloads", I64),
        may("max-concurrent-uploads", I64),
        may("max-download-attempts", I64),
        may("metrics-addr", Text),
        may("min-api-version", Text),
        may("mtu", I64),
        may("network-control-plane-mtu", I64),
        may("network-diagnostic-port", I64),
        may("no-new-privileges", Bool),
        may("no-proxy", Text),
        may("node-generic-resources", TEXTS),
        may("nri-opts", Any),
        may("pidfile", Text),
        may("proxies", Map(&Text)),
        may("raw-logs", Bool),
        may("registry-mirrors", TEXTS),
        may("rootless", Bool),
        may(
            "runtimes",
            Map(&object!("runtimes[]":
                may("path", Text),
                may("runtimeArgs", TEXTS),
                may("runtimeType", Text),
                may("options", Map(&Any)),
            )),
        ),
        may("seccomp-profile", Text),
        may("selinux-enabled", Bool),
        may("shutdown-timeout", I64),
        may("storage-driver", Text),
        may("storage-opts", TEXTS),
        may("swarm-default-advertise-addr", Text),
        may("tls", Bool),
        may("tlscacert", Text),
        may("tlscert", Text),
        may("tlskey", Text),
        may("tlsverify", Bool),
        may("userland-proxy", Bool),
        may("userland-proxy-path", Text),
        may("userns-remap", Text),
        // Safe to be left in, and read by nobody.
        may("allow-nondistributable-artifacts", Any),
        may("deprecated-key-path", Any),
    ],
};

const BUILDER: Shape = object!("builder":
    may("gc", object!("builder.gc":
        may("enabled", Bool),
        may("policy", List(&Any)),
        may("defaultKeepStorage", Text),
        may("defaultReservedSpace", Text),
        may("defaultMaxUsedSpace", Text),
        may("defaultMinFreeSpace", Text),
    )),
    may("entitlements", Map(&Bool)),
    may("history", Any),
);

/// The options whose value is an object; any other object's members are taken for options themselves.
pub const FLAT: [&str; 9] = [
    "cluster-store-opts",
    "default-network-opts",
    "log-opts",
    "runtimes",
    "default-ulimits",
    "features",
    "builder",
    "nri-opts",
    "extension-config",
];

/// Names of flags that are no keys of the file: they are let through and read by nobody. With the key that is.
pub const FLAGS: [(&str, &str); 19] = [
    ("add-runtime", "runtimes"),
    ("authorization-plugin", "authorization-plugins"),
    ("cdi-spec-dir", "cdi-spec-dirs"),
    ("default-address-pool", "default-address-pools"),
    ("default-network-opt", "default-network-opts"),
    ("default-ulimit", "default-ulimits"),
    ("dns-opt", "dns-opts"),
    ("exec-opt", "exec-opts"),
    ("extension-dir", "extension-dirs"),
    ("feature", "features"),
    ("help", ""),
    ("host", "hosts"),
    ("insecure-registry", "insecure-registries"),
    ("label", "labels"),
    ("log-opt", "log-opts"),
    ("node-generic-resource", "node-generic-resources"),
    ("registry-mirror", "registry-mirrors"),
    ("storage-opt", "storage-opts"),
    ("version", ""),
];

/// Keys that earlier releases read and present ones refuse.
pub const REMOVED: [&str; 6] =
    ["api-cors-header", "cluster-advertise", "cluster-store", "cluster-store-opts", "graph", "oom-score-adjust"];
