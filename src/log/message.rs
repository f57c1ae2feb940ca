//! The kinds of record: each has an id, by which `journalctl -x` finds its explanation in `hooks/systemd/oomshim.catalog`
//! (systemd's catalog format), and by which programs find it whatever its sentence says.

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// 32 hexadecimal digits, chosen at random once and never changed.
    pub id: &'static str,
    /// What is logged under it.
    pub what: &'static str,
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $what:literal;)*) => {
        $($(#[$doc])* pub const $name: Message = Message { id: $id, what: $what };)*
        /// All of them; a test holds the catalog against this list.
        pub const ALL: &[Message] = &[$($name),*];
    };
}

messages! {
    /// A container is created with what its class gives.
    REQUESTED = "5fcdb27786bf42f1ba6d3c97f3a1af25", "what was asked of the runtime for a container";
    /// A container is created as it came.
    LEFT_ALONE = "7a57a9b347ca48f09774008a97fa49a9", "a container that was left alone";
    /// A container is created without the edit.
    UNEDITED = "e5ea4bccc13d435c88977fcfd292b951", "a container that was started unedited";
    /// Nothing is started.
    REFUSED = "de8bca08ca754125a5cdbb5aabd066e4", "a container that was refused";
    /// What a process that is added to a container gets.
    EXEC = "16b03e6453094c97a5ca6632a64ae007", "the oom_score_adj of an exec";
    /// The hook did not do its work.
    HOOK_FAILED = "1607276d70474526ba3ddf6390d18587", "a hook that did not do its work";
    /// The guard killed a job, and it is dead.
    GUARD_KILLED = "ac8308915e8745e38024de85cad80d9e", "a job that the guard killed";
    /// The guard killed a job, and something of it is left.
    GUARD_FAILED = "63ca4f46cddb453ca963a38f59ee3512", "a kill of the guard's that did not end the whole job";
    /// The guard would have killed a job.
    GUARD_WOULD_KILL = "7001a577c18f47ecb20b02a5eede809f", "a job that the guard would have killed";
    /// Memory runs out and no kill helps.
    GUARD_HELPLESS = "ba25a5513a694e729fa1efcc896d2320", "a shortage of memory in which no kill helps";
    /// What the guard does and cannot do.
    GUARD_STATE = "a2957a2d75db48819c2a453beaf2c2d2", "the guard's start, stop and reload, and what it cannot do";
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = include_str!("../../hooks/systemd/oomshim.catalog");

    #[test]
    fn the_catalog_has_every_message() {
        for message in ALL {
            let entry = CATALOG.split("-- ").find(|entry| entry.starts_with(message.id));
            let entry = entry.unwrap_or_else(|| panic!("{}: {} is not in the catalog", message.id, message.what));
            assert!(entry.contains("\nSubject: ") && entry.trim().lines().count() > 4, "{entry}");
        }
        assert_eq!(CATALOG.lines().filter(|line| line.starts_with("-- ")).count(), ALL.len());
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<&str> = ALL.iter().map(|message| message.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
}
