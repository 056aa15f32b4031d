//! `outlay undo`: the last action of this device, a whole import too.

use crate::failure::Failure;
use crate::home::Home;
use crate::output::json::UndoneObject;
use crate::output::{Output, text};

pub(crate) fn run(home: &Home, out: &mut Output) -> Result<(), Failure> {
    let undone = home.open()?.undo()?.ok_or_else(|| Failure::not_found("there is nothing to undo"))?;
    if out.is_json() {
        return out.object(&UndoneObject::from(&undone));
    }
    out.line(format!("Undone: {} changed back", text::counted(undone.changed, "thing")))?;
    if undone.left.is_empty() {
        return Ok(());
    }
    out.line("Left as they are, because they were edited since:")?;
    undone.left.iter().try_for_each(|id| out.line(format!("  {id}")))
}
