//! A record: what is written down about a container, and its form in the file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use crate::runtime::flavor::Flavor;
use crate::runtime::maker::Maker;

/// The largest record in bytes.
pub(super) const LIMIT: usize = 8 * 1024;

/// The version of the form, which begins the file. Files of other versions are not read.
const VERSION: &[u8] = b"2";

/// What is written down about a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its id on the runtime's command line.
    pub id: OsString,
    /// `--root` of that command line, as an absolute path; empty where the option is not given. containerd's and nerdctl's
    /// namespaces are a part of it.
    pub root: OsString,
    /// The bundle's absolute path.
    pub bundle: PathBuf,
    /// The name of its class.
    pub class: String,
    /// The `oom_score_adj` that its spec asked the runtime for.
    pub asked: Option<i16>,
    /// `linux.cgroupsPath` of the spec: a path, or `slice:prefix:name`.
    pub cgroup: OsString,
    /// The runtime that made it.
    pub runtime: Option<Maker>,
    /// `process.args`, as far as they fit; of a container that is deleted or about to be, only the first.
    pub command: Vec<OsString>,
}

impl Container {
    /// Whether the container is still there, as far as anybody can tell: its runtime keeps a state of it, or, where that is
    /// in no known place, its bundle is there.
    #[must_use]
    pub fn is_present(&self) -> bool {
        let state = self.runtime.as_ref().and_then(|runtime| runtime.state.as_deref());
        let evidence = state.unwrap_or(&self.bundle);
        // What cannot be looked at is not known to be gone.
        evidence.as_os_str().is_empty()
            || !matches!(evidence.symlink_metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
    }

    /// Whether the cgroup at that path is the container's or below it.
    #[must_use]
    pub fn owns(&self, path: &Path) -> bool {
        let wanted = self.cgroup_tail();
        let normal = |part: &Component<'_>| matches!(part, Component::Normal(_));
        let wanted: Vec<_> = wanted.components().filter(normal).collect();
        let parts: Vec<_> = path.components().filter(normal).collect();
        // Where the engine runs in a cgroup namespace, the kernel's path begins with more than the engine knows.
        !wanted.is_empty() && parts.windows(wanted.len()).any(|window| window == wanted)
    }

    /// The end of the path that its cgroup has: of `slice:prefix:name` systemd makes `prefix-name.scope`, and without
    /// any path the runtime takes the id.
    pub(super) fn cgroup_tail(&self) -> PathBuf {
        let parts: Vec<&[u8]> = self.cgroup.as_bytes().split(|&byte| byte == b':').collect();
        match parts[..] {
            [_, prefix, name] if !self.cgroup.as_bytes().contains(&b'/') => {
                let mut unit = prefix.to_owned();
                if !prefix.is_empty() {
                    unit.push(b'-');
                }
                unit.extend_from_slice(name);
                if !name.ends_with(b".slice") {
                    unit.extend_from_slice(b".scope");
                }
                PathBuf::from(OsString::from_vec(unit))
            }
            _ if self.cgroup.is_empty() => PathBuf::from(&self.id),
            _ => PathBuf::from(&self.cgroup),
        }
    }

    /// How long the record is without the arguments behind the first.
    pub(super) fn length_without_arguments(&self) -> usize {
        let command = self.command.iter().take(1).cloned().collect();
        encode(&Container { command, ..self.clone() }).len()
    }
}

/// Strings that end in NUL, from which any is left out that is in them: the version, the fields in the order of the
/// struct, and the command.
#[must_use]
pub fn encode(container: &Container) -> Vec<u8> {
    let number = |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
    let runtime = container.runtime.as_ref();
    let path = |path: Option<&PathBuf>| path.map_or(OsString::new(), |path| path.clone().into_os_string());
    let (asked, device, inode) = (
        container.asked.map(|asked| asked.to_string()).unwrap_or_default(),
        number(runtime.map(|it| it.inode.0)),
        number(runtime.map(|it| it.inode.1)),
    );
    let (program, target) = (path(runtime.map(|it| &it.path)), path(runtime.and_then(|it| it.target.as_ref())));
    let state = path(runtime.and_then(|it| it.state.as_ref()));
    let fixed: [&[u8]; 13] = [
        VERSION,
        container.id.as_bytes(),
        container.root.as_bytes(),
        container.bundle.as_os_str().as_bytes(),
        container.class.as_bytes(),
        asked.as_bytes(),
        container.cgroup.as_bytes(),
        program.as_bytes(),
        target.as_bytes(),
        device.as_bytes(),
        inode.as_bytes(),
        runtime.map_or("", |it| it.flavor.name()).as_bytes(),
        state.as_bytes(),
    ];
    let mut bytes = Vec::with_capacity(512);
    // A spec may say NUL where no runtime would take it; here it would move the fields behind it.
    let field = |word: &[u8], bytes: &mut Vec<u8>| {
        bytes.extend(word.iter().filter(|&&byte| byte != 0));
        bytes.push(0);
    };
    for word in fixed {
        field(word, &mut bytes);
    }
    for word in &container.command {
        if bytes.len() + word.len() >= LIMIT {
            break;
        }
        field(word.as_bytes(), &mut bytes);
    }
    bytes
}

/// The record in those bytes; `None` for anything that `encode` does not write.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Container> {
    let bytes = bytes.strip_suffix(b"\0")?;
    let mut words = bytes.split(|&byte| byte == 0);
    (words.next()? == VERSION).then_some(())?;
    let mut next = || words.next().map(|word| OsStr::from_bytes(word).to_owned());
    let (id, root, bundle, class) = (next()?, next()?, next()?, next()?);
    let (asked, cgroup) = (next()?, next()?);
    let (program, target, device, inode) = (next()?, next()?, next()?, next()?);
    let (flavor, state) = (next()?, next()?);
    let command = words.map(|word| OsStr::from_bytes(word).to_owned()).collect();
    let path = |path: OsString| (!path.is_empty()).then(|| PathBuf::from(path));
    let runtime = match path(program) {
        None => None,
        Some(path_of_program) => Some(Maker {
            path: path_of_program,
            target: path(target),
            inode: (device.to_str()?.parse().ok()?, inode.to_str()?.parse().ok()?),
            flavor: Flavor::named(flavor.to_str()?)?,
            state: path(state),
        }),
    };
    let asked = asked.to_str()?.parse().ok();
    let class = class.into_string().ok()?;
    Some(Container { id, root, bundle: bundle.into(), class, asked, cgroup, runtime, command })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> Container {
        Container {
            id: "abc".into(),
            root: "/run/r".into(),
            bundle: "/b".into(),
            class: "build-step".into(),
            asked: Some(-5),
            cgroup: "/buildkit/x".into(),
            runtime: Some(Maker {
                path: "/usr/bin/runc".into(),
                target: Some("/usr/bin/runc-1.3".into()),
                inode: (7, u64::MAX),
                flavor: Flavor::Runc,
                state: Some("/run/r/abc".into()),
            }),
            command: vec!["sh".into(), "-c".into(), OsStr::from_bytes(b"make \xff\n").to_owned()],
        }
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let full = container();
        assert_eq!(decode(&encode(&full)), Some(full.clone()));
        for changed in [
            Container { runtime: None, ..full.clone() },
            Container { asked: None, root: OsString::new(), command: Vec::new(), ..full.clone() },
        ] {
            assert_eq!(decode(&encode(&changed)), Some(changed.clone()));
        }
        let forged = Container { id: OsStr::from_bytes(b"a\0/evil").to_owned(), ..full };
        assert_eq!(decode(&encode(&forged)).unwrap().id, "a/evil");
    }

    #[test]
    fn arguments_are_cut_behind_the_first() {
        let bytes = encode(&container());
        let cut = decode(&bytes[..container().length_without_arguments()]).unwrap();
        assert_eq!(cut, Container { command: vec!["sh".into()], ..container() });
    }

    #[test]
    fn nothing_else_is_a_record() {
        for broken in ["", "1\0x\0", "2\0a\0b\0c\0\0e\0", "garbage"] {
            assert_eq!(decode(broken.as_bytes()), None, "{broken:?}");
        }
        let mut older = encode(&container());
        older[0] = b'1';
        assert_eq!(decode(&older), None);
    }

    #[test]
    fn presence_is_the_runtimes_state() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let with = |state: Option<&Path>, bundle: &Path| {
            let runtime = Maker { state: state.map(Path::to_owned), ..container().runtime.unwrap() };
            Container { runtime: Some(runtime), bundle: bundle.to_owned(), ..container() }.is_present()
        };
        assert!(!with(Some(&state), directory.path()), "a bundle says nothing about the container");
        assert!(with(None, directory.path()) && !with(None, &state));
        std::fs::create_dir(&state).unwrap();
        assert!(with(Some(&state), Path::new("/nowhere")));
    }

    #[test]
    fn a_cgroup_names_its_container() {
        let of = |cgroup: &str, path: &str| Container { cgroup: cgroup.into(), ..container() }.owns(Path::new(path));
        assert!(of("/buildkit/abc", "/buildkit/abc") && of("/buildkit/abc", "/docker/q/buildkit/abc/sub"));
        assert!(!of("/buildkit/abc", "/buildkit/abcd") && !of("/buildkit/abc", "/buildkit"));
        assert!(of("system.slice:docker:abc", "/system.slice/docker-abc.scope"));
        assert!(!of("system.slice:docker:abc", "/system.slice/docker-abd.scope"));
        assert!(of("", "/user.slice/abc") && !of("", "/user.slice"));
        assert!(!of("/", "/anything"));
    }
}
