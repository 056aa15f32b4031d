//! What is measured, one module for each kind of work.

pub(crate) mod add;
pub(crate) mod disk;
pub(crate) mod edit;
pub(crate) mod exchange;
pub(crate) mod import;
pub(crate) mod insight;
pub(crate) mod open;
pub(crate) mod read;
pub(crate) mod sync;
pub(crate) mod widget;
pub(crate) mod wire;
