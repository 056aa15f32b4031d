//! The memory of a server that was just started and has answered once.

use std::path::Path;

use crate::figure::{At, Figure};
use crate::ground::Outcome;
use crate::load::block_on;
use crate::report::{Measured, Report};
use crate::server::Server;

pub(crate) fn run(folder: &Path, report: &mut Report) -> Outcome<()> {
    let server = Server::start(&folder.join("alone"))?;
    block_on(server.ready())?;
    let measured = Measured { value: server.memory_bytes()?, ..Measured::default() };
    report.put(Figure::ServerIdle, At::Started, measured);
    server.stop()
}
