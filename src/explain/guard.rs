//! What `oomshim guard` does with a container of a class, in sentences.

use crate::policy::Policy;
use crate::policy::class::{Class, Size};
use crate::policy::guard::{Mode, Order};

/// The sentences, the most important first. Without a class the container is left alone.
pub(super) fn lines(policy: &Policy, class: Option<&Class>) -> Vec<String> {
    let Some(class) = class else {
        return vec!["never kills it: it is left alone".to_owned()];
    };
    let guard = class.guard;
    if guard.order == Order::Never {
        return vec![format!("never kills it: class {} has guard = \"never\"", class.name)];
    }
    let turn = match guard.order {
        Order::First => "kills it among the first: what it holds and grows counts four times",
        Order::Last => "kills it among the last: what it holds and grows counts a quarter",
        Order::Normal | Order::Never => "kills it where it is to blame most for a shortage, by what it holds and grows",
    };
    let mut lines = vec![turn.to_owned()];
    if policy.guard.mode == Mode::Observe {
        lines.push("mode = \"observe\" in [guard]: it is only recorded that it would have been killed".to_owned());
    }
    if guard.reserve != Size::Bytes(0) {
        lines.push(format!("guard_reserve: it may hold {} before that counts", guard.reserve));
    }
    if policy.guard.own_limit.is_some() && class.memory_max.is_some() {
        lines
            .push("own_limit in [guard]: it is killed as well where it makes no progress at its memory_max".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::policy::file;

    fn told(policy: &str) -> String {
        let policy = file::parse(policy, Path::new("p")).unwrap();
        lines(&policy, policy.class("x")).join("\n")
    }

    #[test]
    fn each_key_of_the_guard_is_told() {
        let class = "[class.x]\noom_score_adj = 500\n";
        assert!(told(class).starts_with("kills it where it is to blame most"));
        assert_eq!(told(&format!("{class}guard = \"never\"\n")), "never kills it: class x has guard = \"never\"");
        let all = format!(
            "{class}guard = \"first\"\nguard_reserve = \"2GiB\"\nmemory_max = \"4GiB\"\n[guard]\nmode = \"observe\"\n"
        );
        for part in ["counts four times", "only recorded", "may hold 2GiB", "no progress at its memory_max"] {
            assert!(told(&all).contains(part), "{part}: {}", told(&all));
        }
        assert!(told("").contains("left alone"));
    }
}
