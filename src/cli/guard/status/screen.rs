//! `guard status --watch` in a terminal: the last minutes as a picture, and the jobs.
//!
//! It draws on the terminal's other screen and gives the first one back on every way out: an error, a signal, a stop, a panic.

use std::collections::VecDeque;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::{head, table};
use crate::guard::status::{Status, StatusError};
use crate::picture::terminal::{self, Letters};
use crate::picture::{Band, Picture, Point, Role};
use crate::text::escape;

/// For how long what was seen is drawn.
const PAST: Duration = Duration::from_mins(3);

/// How many jobs are told apart beside the first.
const OTHERS: usize = 3;

/// The other screen, without a cursor; and back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// The signals that end it or stop it, and the one that says that the terminal has another size.
const SIGNALS: [Signal; 6] =
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGWINCH];

fn write(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The terminal's other screen; dropped, the first one is back.
struct Screen;

impl Screen {
    fn enter() -> std::io::Result<Screen> {
        // The process aborts on a panic, so nothing is dropped then.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |what| {
            let _ = write(LEAVE);
            before(what);
        }));
        let screen = Screen;
        write(ENTER)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = write(LEAVE);
    }
}

/// Asks and draws until a signal ends it.
pub(super) fn watch(
    ask: impl Fn() -> Result<Status, StatusError>,
    pause: Duration,
    letters: Letters,
) -> anyhow::Result<()> {
    // Where nobody answers at all nothing is drawn.
    let first = ask()?;
    let blocked = SigSet::from_iter(SIGNALS);
    blocked.thread_block()?;
    let signals = SignalFd::with_flags(&blocked, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let screen = Screen::enter()?;
    let mut past = Past { began: Instant::now(), seen: VecDeque::new() };
    let mut answer = Ok(first);
    loop {
        write(&past.frame(&answer, letters, size()))?;
        let until = Instant::now() + pause;
        loop {
            let left =
                PollTimeout::try_from(until.saturating_duration_since(Instant::now())).unwrap_or(PollTimeout::ZERO);
            let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, left)? == 0 {
                break;
            }
            let Ok(Some(info)) = signals.read_signal() else { continue };
            match Signal::try_from(info.ssi_signo.cast_signed()) {
                Ok(Signal::SIGWINCH) => write(&past.frame(&answer, letters, size()))?,
                Ok(Signal::SIGTSTP) => {
                    write(LEAVE)?;
                    raise(Signal::SIGSTOP)?;
                    write(ENTER)?;
                    write(&past.frame(&answer, letters, size()))?;
                }
                Ok(signal) => {
                    drop(screen);
                    // As if it had not been caught, so that the shell knows.
                    blocked.thread_unblock()?;
                    raise(signal)?;
                    return Ok(());
                }
                Err(_) => {}
            }
        }
        answer = ask();
    }
}

/// Columns and lines of the terminal.
fn size() -> (usize, usize) {
    let known = terminal_size::terminal_size_of(std::io::stdout());
    known.map_or((80, 24), |(width, height)| (usize::from(width.0).max(1), usize::from(height.0).max(1)))
}

/// What was seen in the last minutes.
struct Past {
    began: Instant,
    seen: VecDeque<(i64, Status)>,
}

impl Past {
    /// Everything that is on the screen now.
    fn frame(&mut self, answer: &Result<Status, StatusError>, letters: Letters, size: (usize, usize)) -> String {
        let now = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let span = i64::try_from(PAST.as_millis()).unwrap_or(i64::MAX);
        let text = match answer {
            Ok(status) => {
                if self.seen.back().is_none_or(|(at, _)| *at < now) {
                    self.seen.push_back((now, status.clone()));
                }
                self.seen.retain(|(at, _)| now - at <= span);
                let head = head(status);
                let rest = table(status, 8);
                let lines = head.lines().count() + rest.lines().count();
                // Below the memory are times, names, and stall.
                let room = size.1.saturating_sub(lines + 16).clamp(4, 20);
                head + "\n" + &terminal::draw_in(&self.picture(now), letters, size.0, room) + &rest
            }
            Err(error) => format!("{}\n", escape::text(&error.to_string())),
        };
        fit(&text, size)
    }

    /// The last minutes; 0 is now.
    fn picture(&self, now: i64) -> Picture {
        let Some((_, status)) = self.seen.back() else { return Picture::default() };
        // The first would be killed and stands on top.
        let mut ids: Vec<_> = status.jobs.iter().take(1 + OTHERS).map(|job| (job.id, &job.cgroup)).collect();
        ids.reverse();
        let first = ids.len().wrapping_sub(1);
        let band = |(number, (_, cgroup)): (usize, &(_, &String))| {
            let (role, next) = if number == first { (Role::Victim, " (next)") } else { (Role::Other, "") };
            Band { name: format!("{}{next}", escape::text(cgroup)), role }
        };
        let point = |(at, status): &(i64, Status)| Point {
            at: at - now,
            available: status.memory_available,
            swap_free: status.swap_free,
            stall: status.full_share,
            held: ids
                .iter()
                .map(|(id, _)| status.jobs.iter().find(|job| job.id == *id).map_or(0, |job| job.frees))
                .collect(),
        };
        Picture {
            memory_total: status.memory_total,
            swap_total: status.swap_total,
            floor: Some(status.floor),
            bands: ids.iter().enumerate().map(band).collect(),
            points: self.seen.iter().map(point).collect(),
            ..Picture::default()
        }
    }
}

/// The text from the first corner on, cut to the size of the screen, over what was there.
fn fit(text: &str, (width, height): (usize, usize)) -> String {
    let mut out = String::from("\x1b[H");
    let mut lines = text.lines().take(height).peekable();
    while let Some(line) = lines.next() {
        out.push_str(&terminal::shorten(line, width, ""));
        out.push_str("\x1b[K");
        if lines.peek().is_some() {
            out.push_str("\r\n");
        }
    }
    out + "\x1b[J"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_fits_the_screen() {
        let mut past = Past { began: Instant::now(), seen: VecDeque::new() };
        for size in [(80, 24), (120, 60), (40, 10), (1, 1)] {
            let frame = past.frame(&Ok(super::super::tests::status()), Letters::Ascii, size);
            assert!(frame.starts_with("\x1b[H") && frame.ends_with("\x1b[J"));
            let lines: Vec<&str> = frame.split("\r\n").collect();
            assert!(lines.len() <= size.1, "{} lines in {size:?}", lines.len());
            for line in lines {
                let shown = line.replace("\x1b[H", "").replace("\x1b[K", "").replace("\x1b[J", "");
                assert!(shown.len() <= size.0 && !shown.contains('\x1b'), "{shown:?} in {size:?}");
            }
        }
        let tall = past.frame(&Ok(super::super::tests::status()), Letters::Ascii, (100, 60));
        assert!(tall.contains("# 400 MiB  /jobs/grower\\u{1b} (next)") && tall.contains("CGROUP"), "{tall}");
    }

    #[test]
    fn a_guard_that_is_gone_is_said_on_the_screen() {
        let mut past = Past { began: Instant::now(), seen: VecDeque::new() };
        let gone = Err(StatusError::Read(nix::errno::Errno::ECONNRESET));
        assert!(past.frame(&gone, Letters::Ascii, (80, 24)).contains("cannot read the guard's answer"));
    }
}
