//! `outlay device`: the key by which another device of the same person admits this one.

use serde_json::json;

use crate::failure::Failure;
use crate::home::Home;
use crate::output::Output;

pub(crate) fn run(home: &Home, out: &mut Output) -> Result<(), Failure> {
    let device = home.open_or_create(None)?.device_key().to_string();
    if out.is_json() {
        return out.object(&json!({"device": device}));
    }
    out.line(device)
}
