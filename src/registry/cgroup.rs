//! Where a recorded container's cgroup is without doubt. `Container::owns` is lenient; who kills must not be.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::Container;

impl Container {
    /// The path of its cgroup from the root of the hierarchy, where the record says the whole of it.
    #[must_use]
    pub fn certain_cgroup(&self) -> Option<PathBuf> {
        let text = self.cgroup.as_bytes();
        if text.starts_with(b"/") {
            let path = Path::new(&self.cgroup);
            let is_plain = path.components().skip(1).all(|part| matches!(part, Component::Normal(_)));
            return (is_plain && path.components().count() > 1).then(|| path.components().collect());
        }
        let parts: Vec<&[u8]> = text.split(|&byte| byte == b':').collect();
        match parts[..] {
            [slice, _, _] if !text.contains(&b'/') => Some(slice_path(slice)?.join(self.cgroup_tail())),
            _ => None,
        }
    }
}

/// Where systemd has a slice: `a-b.slice` is below `a.slice` (systemd.slice(5)).
fn slice_path(name: &[u8]) -> Option<PathBuf> {
    let stem = name.strip_suffix(b".slice")?;
    let mut path = PathBuf::from("/");
    if stem == b"-" {
        return Some(path);
    }
    if stem.is_empty() || stem.split(|&byte| byte == b'-').any(<[u8]>::is_empty) {
        return None;
    }
    for (place, _) in stem.iter().enumerate().filter(|(_, byte)| **byte == b'-') {
        path.push(OsStr::from_bytes(&[&stem[..place], b".slice"].concat()));
    }
    path.push(OsStr::from_bytes(name));
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_path_is_certain() {
        let of = |cgroup: &str| {
            let path = Container { cgroup: cgroup.into(), id: "abc".into(), ..Container::default() }.certain_cgroup();
            path.map(|path| path.to_str().unwrap().to_owned())
        };
        assert_eq!(of("/buildkit/abc").as_deref(), Some("/buildkit/abc"));
        assert_eq!(of("//buildkit//abc/").as_deref(), Some("/buildkit/abc"));
        assert_eq!(of("system.slice:docker:abc").as_deref(), Some("/system.slice/docker-abc.scope"));
        assert_eq!(of("a-b.slice:cri:abc").as_deref(), Some("/a.slice/a-b.slice/cri-abc.scope"));
        assert_eq!(of("-.slice:x:abc").as_deref(), Some("/x-abc.scope"));
        for doubtful in ["", "/", "abc", "buildkit/abc", "/a/../b", ":docker:abc", "a--b.slice:x:abc"] {
            assert_eq!(of(doubtful), None, "{doubtful}");
        }
    }
}
