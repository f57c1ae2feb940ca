//! The types of containerd's `config.toml` (containerd `cmd/containerd/server/config/config.go`, 1.0 to 2.4), and of
//! the part of its CRI plugin that names runtimes.
//!
//! A value of another type keeps containerd from starting; a key that it does not know is logged and ignored.

use super::{I64, Object, Shape, TEXTS, may, object};
use Shape::{Any, Bool, Map, Text};

/// The whole file.
pub static CONTAINERD: Object = Object {
    name: "containerd's config.toml",
    fields: &[
        may("version", I64),
        may("root", Text),
        may("state", Text),
        may("temp", Text),
        may("plugin_dir", Text),
        may("no_subreaper", Bool),
        may("subreaper", Bool),
        may("oom_score", I64),
        may("imports", TEXTS),
        may("disabled_plugins", TEXTS),
        may("required_plugins", TEXTS),
        may("plugins", Map(&Any)),
        may("timeouts", Map(&Text)),
        may("cgroup", object!("cgroup": may("path", Text))),
        may(
            "debug",
            object!("debug":
                may("address", Text),
                may("uid", I64),
                may("gid", I64),
                may("level", Text),
                may("format", Text),
            ),
        ),
        may(
            "grpc",
            object!("grpc":
                may("address", Text),
                may("tcp_address", Text),
                may("tcp_tls_ca", Text),
                may("tcp_tls_cert", Text),
                may("tcp_tls_key", Text),
                may("tcp_tls_common_name", Text),
                may("uid", I64),
                may("gid", I64),
                may("max_recv_message_size", I64),
                may("max_send_message_size", I64),
            ),
        ),
        may("ttrpc", object!("ttrpc": may("address", Text), may("uid", I64), may("gid", I64))),
        may("metrics", object!("metrics": may("address", Text), may("grpc_histogram", Bool))),
        may(
            "proxy_plugins",
            Map(&object!("proxy_plugins[]":
                may("type", Text),
                may("address", Text),
                may("platform", Text),
                may("exports", Map(&Text)),
                may("capabilities", TEXTS),
            )),
        ),
        may(
            "stream_processors",
            Map(&object!("stream_processors[]":
                may("accepts", TEXTS),
                may("returns", Text),
                may("path", Text),
                may("args", TEXTS),
                may("env", TEXTS),
            )),
        ),
    ],
};
