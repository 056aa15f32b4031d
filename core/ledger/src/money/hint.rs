//! What an amount in another notation most likely means.
//!
//! A hint is shown to a person and never used in place of what was typed.

use super::{Form, is_digits};
use crate::Currency;

/// The strict form of what a text in another notation most likely means, if there is one such meaning.
pub(super) fn likely(text: &str, currency: Currency) -> Option<String> {
    let text = text.trim();
    // No amount is longer; what is, is something else.
    if text.len() > 40 || !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals) = at_decimal_sign(digits.trim_start(), currency.exponent())?;
    let whole = match ungrouped(whole)?.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    };
    let point = if decimals.is_empty() { "" } else { "." };
    let is_zero = whole == "0" && decimals.bytes().all(|byte| byte == b'0');
    let hint = format!("{}{whole}{point}{decimals}", if is_zero { "" } else { sign });
    // Not `parse`, which would look for a hint to the hint.
    Form::read(&hint)?.money(currency).is_ok().then_some(hint)
}

/// Cuts at what must be the decimal sign: the last separator, unless it groups thousands.
fn at_decimal_sign(digits: &str, exponent: u8) -> Option<(&str, &str)> {
    let Some(at) = digits.rfind(['.', ',']) else { return Some((digits, "")) };
    let (whole, decimals) = (&digits[..at], &digits[at + 1..]);
    let separator = &digits[at..=at];
    if whole.contains(separator) {
        return Some((digits, "")); // Said twice, so it groups.
    }
    let is_alone = !whole.contains(['.', ',']);
    match decimals.len() {
        3 if is_alone && exponent == 3 => None, // `1,234` dinars: both readings are common.
        3 if is_alone && separator == "," => Some((digits, "")),
        _ => Some((whole, decimals)),
    }
}

/// The digits without grouping, if every group but the first has three digits, or two as India writes them.
fn ungrouped(whole: &str) -> Option<String> {
    let is_separator = |c: char| matches!(c, '.' | ',' | ' ' | '\'' | '\u{2019}' | '_' | '\u{a0}' | '\u{202f}');
    let groups: Vec<&str> = whole.split(is_separator).collect();
    let (last, first) = (groups.last()?, groups.first()?);
    if groups.len() == 1 {
        return (is_digits(whole) || whole.is_empty()).then(|| whole.to_owned());
    }
    let is_grouping = is_digits(first)
        && first.len() <= 3
        && last.len() == 3
        && groups[1..].iter().all(|group| is_digits(group) && matches!(group.len(), 2 | 3));
    is_grouping.then(|| groups.concat())
}
