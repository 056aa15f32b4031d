//! Who may do what: stories of the rules, hostile histories, the standing of commits, properties, and golden bytes.

mod hostile;
mod properties;
mod rules;
mod standing;
mod story;
mod vectors;
