//! A process as the OOM killer weighs it, read from `/proc/PID`.

use std::os::fd::OwnedFd;
use std::path::Path;

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::system::oom_score_adj::OomScoreAdj;
use crate::system::process::{Process, ProcessError};

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its PID in the proc file system that was read.
    pub pid: u32,
    /// Its parent's PID.
    pub parent: u32,
    /// Its command name, at most 15 bytes (`comm`), as `status` escapes it.
    pub name: Box<[u8]>,
    /// Its `oom_score_adj`.
    pub score: OomScoreAdj,
    /// Its memory; `None` for kernel threads and for what has ended.
    pub memory: Option<Memory>,
    /// Its state's letter (proc(5)).
    pub state: u8,
    /// Whether it is a thread of the kernel.
    pub is_kernel_thread: bool,
}

/// What counts of a process's memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Anonymous pages in RAM.
    pub anonymous: u64,
    /// Mapped pages of files.
    pub file: u64,
    /// Mapped pages of tmpfs and shared memory.
    pub shared: u64,
    /// Anonymous pages in swap.
    pub swap: u64,
    /// The page tables.
    pub page_tables: u64,
    /// The whole address space; it does not count, but tells a borrowed one.
    pub virtual_size: u64,
}

impl Memory {
    /// What is in RAM, in bytes.
    #[must_use]
    pub fn resident(&self) -> u64 {
        self.anonymous + self.file + self.shared
    }
}

impl Task {
    /// The process of that PID; `None` when it has ended. `buffer` is scratch space.
    ///
    /// # Errors
    /// [`ProcessError`] for anything but its end.
    pub fn read(proc: &Path, pid: u32, buffer: &mut Vec<u8>) -> Result<Option<Task>, ProcessError> {
        let mut read = || {
            let process = Process::open(proc, pid)?;
            process.read_into("status", buffer)?;
            let mut task = Task::parse(pid, buffer);
            task.score = process.score()?;
            if task.memory.is_none() && task.state == b'Z' && threads(buffer) > 1 {
                task.memory = memory_of_a_thread(proc, pid, buffer);
            }
            Ok(task)
        };
        match read() {
            Err(ProcessError::File { .. }) if !proc.join(pid.to_string()).exists() => Ok(None),
            Err(error) if error.is_gone() => Ok(None),
            other => other.map(Some),
        }
    }

    fn parse(pid: u32, status: &[u8]) -> Task {
        let mut task = Task {
            pid,
            parent: 0,
            name: Box::default(),
            score: OomScoreAdj::ZERO,
            memory: memory(status),
            state: 0,
            is_kernel_thread: false,
        };
        for (key, value) in fields(status) {
            match key {
                b"Name" => task.name = value.into(),
                b"State" => task.state = value.first().copied().unwrap_or(0),
                b"PPid" => task.parent = u32::try_from(number(value)).unwrap_or(0),
                b"Kthread" => task.is_kernel_thread = value == b"1",
                // Nothing of use comes before the memory, and that is read already.
                b"VmPeak" | b"VmSize" => break,
                _ => {}
            }
        }
        // Only since 6.8 does the kernel say so itself. Kernel threads are children of PID 2, which is one too.
        task.is_kernel_thread |= task.memory.is_none() && (pid == 2 || task.parent == 2);
        task
    }
}

/// The lines `Key:<tab>value` of a `status` file.
fn fields(status: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    status.split(|&byte| byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        Some((&line[..colon], line[colon + 1..].strip_prefix(b"\t").unwrap_or(&line[colon + 1..])))
    })
}

/// The number at the beginning of a value, behind spaces.
fn number(value: &[u8]) -> u64 {
    let digits = value.trim_ascii_start().iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum: u64, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

fn threads(status: &[u8]) -> u64 {
    fields(status).find(|(key, _)| *key == b"Threads").map_or(1, |(_, value)| number(value))
}

fn memory(status: &[u8]) -> Option<Memory> {
    let mut memory = Memory::default();
    let mut has_memory = false;
    let mut total = 0;
    for (key, value) in fields(status) {
        let field = match key {
            b"VmSize" => &mut memory.virtual_size,
            b"VmRSS" => &mut total,
            b"RssAnon" => &mut memory.anonymous,
            b"RssFile" => &mut memory.file,
            b"RssShmem" => &mut memory.shared,
            b"VmPTE" => &mut memory.page_tables,
            b"VmSwap" => &mut memory.swap,
            b"Threads" => break,
            _ => continue,
        };
        has_memory = true;
        *field = number(value).saturating_mul(1024);
    }
    // Kernels before 4.5 do not split the sum.
    if memory.resident() == 0 {
        memory.anonymous = total;
    }
    has_memory.then_some(memory)
}

/// A process whose first thread has ended lives on in its other threads, and its memory with it.
fn memory_of_a_thread(proc: &Path, pid: u32, buffer: &mut Vec<u8>) -> Option<Memory> {
    let tasks = proc.join(pid.to_string()).join("task");
    list(&tasks).ok()?.into_iter().find_map(|thread| {
        Process::open(&tasks, thread).ok()?.read_into("status", buffer).ok()?;
        memory(buffer)
    })
}

/// The numbers that a directory has for names, in ascending order.
///
/// # Errors
/// The kernel's, when the directory cannot be read.
pub fn list(directory: &Path) -> nix::Result<Vec<u32>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let fd: OwnedFd = nix::fcntl::open(directory, flags, Mode::empty())?;
    let mut numbers = Vec::new();
    for entry in Dir::from_fd(fd)? {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads those processes, in the order of `pids`, by as many threads as there are processors. Those that have ended
/// are left out, and so are those that cannot be read: they are counted.
#[must_use]
pub fn read_all(proc: &Path, pids: &[u32]) -> (Vec<Task>, usize) {
    let read = |pids: &[u32]| {
        let (mut buffer, mut tasks, mut unreadable) = (Vec::new(), Vec::with_capacity(pids.len()), 0);
        for &pid in pids {
            match Task::read(proc, pid, &mut buffer) {
                Ok(task) => tasks.extend(task),
                Err(_) => unreadable += 1,
            }
        }
        (tasks, unreadable)
    };
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // A thread costs as much as reading some processes does.
    let share = pids.len().div_ceil(workers).max(500);
    let parts: Vec<(Vec<Task>, usize)> = std::thread::scope(|scope| {
        let threads: Vec<_> = pids.chunks(share).map(|part| scope.spawn(move || read(part))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let unreadable = parts.iter().map(|(_, count)| count).sum();
    (parts.into_iter().flat_map(|(tasks, _)| tasks).collect(), unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tgo\\nod:\nUmask:\t0022\nState:\tS (sleeping)\nPid:\t7\nPPid:\t3\nVmPeak:\t 9 kB\n\
        VmSize:\t   9000 kB\nVmRSS:\t     606 kB\nRssAnon:\t     100 kB\nRssFile:\t     500 kB\nRssShmem:\t       6 kB\n\
        VmPTE:\t      44 kB\nVmSwap:\t       8 kB\nThreads:\t3\n";

    fn write(proc: &Path, path: &str, text: &str) {
        let path = proc.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_status_file_gives_the_memory_in_bytes() {
        let task = Task::parse(7, STATUS.as_bytes());
        assert_eq!((&*task.name, task.parent, task.state), (&b"go\\nod:"[..], 3, b'S'));
        let memory = task.memory.unwrap();
        assert_eq!((memory.resident(), memory.swap, memory.page_tables), (606 << 10, 8 << 10, 44 << 10));
        assert_eq!(Task::parse(8, b"Name:\tx\nVmRSS:\t 4 kB\n").memory.unwrap().resident(), 4096);
    }

    #[test]
    fn kernel_threads_and_ended_processes_have_no_memory() {
        let kernel = Task::parse(9, b"Name:\tkworker/0:1\nState:\tI (idle)\nPPid:\t2\n");
        assert!(kernel.is_kernel_thread && kernel.memory.is_none());
        let newer = Task::parse(9, b"Name:\tx\nState:\tI\nPPid:\t7\nKthread:\t1\n");
        assert!(newer.is_kernel_thread);
        let zombie = Task::parse(9, b"Name:\tx\nState:\tZ (zombie)\nPPid:\t1\nThreads:\t1\n");
        assert!(!zombie.is_kernel_thread && zombie.memory.is_none());
    }

    #[test]
    fn a_process_lives_on_in_its_other_threads() {
        let proc = tempfile::tempdir().unwrap();
        write(proc.path(), "5/status", "Name:\tx\nState:\tZ (zombie)\nPPid:\t1\nThreads:\t2\n");
        write(proc.path(), "5/oom_score_adj", "0\n");
        write(proc.path(), "5/task/5/status", "Name:\tx\nState:\tZ\n");
        write(proc.path(), "5/task/6/status", STATUS);
        let task = Task::read(proc.path(), 5, &mut Vec::new()).unwrap().unwrap();
        assert_eq!(task.memory.unwrap().swap, 8 << 10);
    }

    #[test]
    fn what_vanishes_is_left_out_and_what_is_broken_is_counted() {
        let proc = tempfile::tempdir().unwrap();
        for pid in [1, 2, 4] {
            write(proc.path(), &format!("{pid}/status"), STATUS);
        }
        write(proc.path(), "1/oom_score_adj", "-1000\n");
        write(proc.path(), "2/oom_score_adj", "many\n");
        // 3 was listed and is gone; 4 goes between its first file and its second.
        let (tasks, unreadable) = read_all(proc.path(), &[1, 2, 3, 4]);
        assert_eq!((tasks.len(), tasks[0].score, unreadable), (1, OomScoreAdj::MIN, 1));
    }

    #[test]
    fn the_running_machine_is_read() {
        let proc = Path::new("/proc");
        let (tasks, _) = read_all(proc, &list(proc).unwrap());
        let own = tasks.iter().find(|task| task.pid == std::process::id()).unwrap();
        assert!(own.memory.unwrap().resident() > 0 && !own.is_kernel_thread);
    }
}
