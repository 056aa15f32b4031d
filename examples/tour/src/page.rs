//! What is printed: aligned, and within a terminal's width.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use outlay_core::{Currency, Sum};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of the longest bar.
const BAR_WIDTH: i128 = 32;
/// Columns of a cell.
const CELL_WIDTH_MAX: usize = 34;
/// Columns of a line that has other people's text in it.
const LINE_WIDTH_MAX: usize = 77;
const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

/// Where the tour is printed.
pub(crate) struct Page<'a> {
    out: &'a mut dyn Write,
    is_coloured: bool,
    chapters: u32,
}

impl<'a> Page<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, is_coloured: bool) -> Self {
        Self { out, is_coloured, chapters: 0 }
    }

    /// A line from the margin.
    pub(crate) fn say(&mut self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    pub(crate) fn chapter(&mut self, title: &str) -> io::Result<()> {
        self.chapters += 1;
        let (begin, end) = self.marks(BOLD);
        writeln!(self.out, "\n{begin}{}. {title}{end}", self.chapters)
    }

    /// A line of a chapter that says that something is as it must be.
    pub(crate) fn good(&mut self, text: impl fmt::Display) -> io::Result<()> {
        let (begin, end) = self.marks(GREEN);
        writeln!(self.out, "   {begin}{text}{end}")
    }

    fn marks(&self, mark: &'static str) -> (&'static str, &'static str) {
        if self.is_coloured { (mark, PLAIN) } else { ("", "") }
    }

    /// A line of a chapter.
    pub(crate) fn line(&mut self, text: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "   {text}")
    }

    /// A line of a chapter with other people's text in it, which does not get wider than a terminal.
    pub(crate) fn quote(&mut self, text: &str) -> io::Result<()> {
        self.line(cut(text, LINE_WIDTH_MAX))
    }

    /// A line of a chapter with other people's texts after something, and as many further lines as they take.
    pub(crate) fn wrapped(&mut self, begin: &str, texts: &[String]) -> io::Result<()> {
        let width_max = LINE_WIDTH_MAX - begin.width().min(LINE_WIDTH_MAX / 2);
        let mut line = String::new();
        let mut margin = begin.to_owned();
        for (place, text) in texts.iter().enumerate() {
            let comma = if place + 1 < texts.len() { ", " } else { "" };
            let text = cut(text, width_max - comma.len()) + comma;
            if !line.is_empty() && line.width() + text.trim_end().width() > width_max {
                self.line(format!("{margin}{}", line.trim_end()))?;
                line.clear();
                margin = " ".repeat(begin.width());
            }
            line.push_str(&text);
        }
        self.line(format!("{margin}{line}"))
    }

    /// Rows of cells, each column as wide as its widest. A column whose place is in `right` is aligned at the right.
    pub(crate) fn table<const N: usize>(&mut self, rows: &[[String; N]], right: &[usize]) -> io::Result<()> {
        let rows: Vec<[String; N]> = rows.iter().map(|row| std::array::from_fn(|column| cell(&row[column]))).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &rows {
            let padded = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
                let padding = " ".repeat(width - cell.width());
                if right.contains(&column) { padding + cell } else { cell.clone() + &padding }
            });
            let line = padded.collect::<Vec<_>>().join("  ");
            self.line(format!("  {}", cut(line.trim_end(), LINE_WIDTH_MAX - 2)))?;
        }
        Ok(())
    }
}

/// A cell of other people's text: it does not take a whole line.
fn cell(text: &str) -> String {
    cut(text, CELL_WIDTH_MAX)
}

/// Other people's text: nothing in it moves the cursor, and it has at most so many columns and an ellipsis.
fn cut(text: &str, width_max: usize) -> String {
    let mut width = 0;
    let mut kept = String::new();
    for character in text.chars().map(|character| if character.is_control() { ' ' } else { character }) {
        width += character.width().unwrap_or(0);
        if width >= width_max {
            kept.push('…');
            break;
        }
        kept.push(character);
    }
    kept
}

/// A bar whose length is to the longest as `value` is to `greatest`.
pub(crate) fn bar(value: i128, greatest: i128) -> String {
    let length = if value <= 0 || greatest <= 0 { 0 } else { value.saturating_mul(BAR_WIDTH) / greatest };
    "█".repeat(usize::try_from(length).unwrap_or(0).max(usize::from(value > 0)))
}

/// Milliseconds with as many decimals as tell something, or seconds.
pub(crate) fn time(spent: Duration) -> String {
    let micros = spent.as_micros();
    match micros {
        0..1_000 => format!("0.{micros:03} ms"),
        1_000..10_000_000 => format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
        _ => format!("{} s", micros / 1_000_000),
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with what it counts.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A sum with the decimals of its currency.
pub(crate) fn sum(Sum { minor, currency }: Sum) -> String {
    format!("{} {currency}", decimal(minor, currency))
}

fn decimal(minor: i128, currency: Currency) -> String {
    let decimals = usize::from(currency.exponent());
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    let sign = if minor < 0 { "-" } else { "" };
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_the_decimals_of_their_currency() {
        let sum_of = |minor, code| sum(Sum { minor, currency: Currency::parse(code).unwrap() });
        assert_eq!(sum_of(-1_234_567, "EUR"), "-12,345.67 EUR");
        assert_eq!(sum_of(5, "EUR"), "0.05 EUR");
        assert_eq!(sum_of(5_000, "JPY"), "5,000 JPY");
    }

    #[test]
    fn what_is_not_nothing_has_a_bar() {
        assert_eq!(bar(1, 1_000_000), "█");
        assert_eq!(bar(5, 5).chars().count(), 32);
        assert_eq!(bar(0, 5), "");
        assert_eq!(bar(-5, 5), "");
    }

    #[test]
    fn a_cell_of_other_peoples_text_stays_in_its_line() {
        assert_eq!(cell("a\nb\u{1b}[2J"), "a b [2J");
        assert!(cell(&"x".repeat(100)).width() <= CELL_WIDTH_MAX);
    }
}
