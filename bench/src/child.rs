//! Work that a process of its own does, because it is about a fresh process: this program, called with other arguments.

use std::path::Path;
use std::process::{Command, Output};

use serde::{Deserialize, Serialize};

use crate::ground::{Outcome, number_after};
use crate::meter::process_cpu_ns;
use crate::work::{add, open, widget};

/// What a process is to do with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Add,
    AddPlain,
    Open,
    OpenPlain,
    QuickAdd,
}

/// What a process says of itself when its work is done.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Nanoseconds of the processor until the program began: the system's loading of it.
    pub(crate) load_ns: u64,
    /// Nanoseconds of the processor since then.
    pub(crate) cpu_ns: u64,
    /// The most memory it had at once, in bytes.
    pub(crate) memory_bytes: u64,
    /// What it had to read from the disk, in bytes.
    pub(crate) read_bytes: u64,
}

const TASKS: [(&str, Task); 5] = [
    ("--child-add", Task::Add),
    ("--child-add-plain", Task::AddPlain),
    ("--child-open", Task::Open),
    ("--child-open-plain", Task::OpenPlain),
    ("--child-quick-add", Task::QuickAdd),
];

/// Puts what a child is to do after the arguments of a command, and waits for it.
pub(crate) fn run(command: &mut Command, task: Task, path: &Path, count: u64) -> Outcome<Output> {
    let name = TASKS.iter().find(|(_, listed)| *listed == task).map_or("", |(name, _)| name);
    let output = command.arg(name).arg(path).arg(count.to_string()).output()?;
    if output.status.success() {
        return Ok(output);
    }
    let program = command.get_program().to_string_lossy();
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}

/// Does what a child is to do, if these arguments are a child's.
pub(crate) fn work(arguments: &[String]) -> Option<Outcome<()>> {
    let [name, path, count] = arguments else { return None };
    let (_, task) = TASKS.iter().find(|(listed, _)| listed == name)?;
    let load_ns = process_cpu_ns();
    let path = Path::new(path);
    Some(match task {
        Task::Add => count.parse().map_err(Into::into).and_then(|count| add::in_child(path, count)),
        Task::AddPlain => count.parse().map_err(Into::into).and_then(|count| add::in_plain_child(path, count)),
        Task::Open => open::in_child(path).and_then(|_open| give_account(load_ns)),
        Task::OpenPlain => open::in_plain_child(path).and_then(|_open| give_account(load_ns)),
        Task::QuickAdd => count.parse().map_err(Into::into).and_then(|number| widget::in_child(path, number)),
    })
}

fn give_account(load_ns: u64) -> Outcome<()> {
    let cpu_ns = process_cpu_ns().saturating_sub(load_ns);
    let memory_bytes = number_after("/proc/self/status", "VmHWM:")? * 1024;
    let account = Account { load_ns, cpu_ns, memory_bytes, read_bytes: number_after("/proc/self/io", "read_bytes:")? };
    println!("{}", serde_json::to_string(&account)?);
    Ok(())
}
