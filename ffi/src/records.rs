//! The plain data of the engine, field by field.
//!
//! Most are mirrors: the type is the engine's own, and a field that differs does not compile. The others are here because a
//! language lacks something they are made of: pairs, options of options, and numbers of 128 bits; or because what they say in
//! English stands beside it.

pub(crate) mod conflicts;
pub(crate) mod entries;
pub(crate) mod files;
pub(crate) mod insights;
pub(crate) mod ledgers;
pub(crate) mod members;
pub(crate) mod opening;
pub(crate) mod spending;
pub(crate) mod sync;
