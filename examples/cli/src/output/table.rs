//! Aligned tables, by the width that characters take on a terminal.
//!
//! Cells hold text that other people wrote: what would move the cursor or turn the reading direction is replaced.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a cell on a terminal; longer texts are cut. Elsewhere nothing is cut.
const CELL_WIDTH_MAX: usize = 40;
const GAP: &str = "  ";
pub(super) const BOLD: &str = "\x1b[1m";
pub(super) const PLAIN: &str = "\x1b[0m";

/// On which side a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A head and rows of as many cells.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows. A name that begins with `>` makes a column aligned at the right.
    pub(crate) fn new<const N: usize>(head: [&'static str; N]) -> Self {
        let column = |name: &'static str| match name.strip_prefix('>') {
            Some(name) => (name, Align::Right),
            None => (name, Align::Left),
        };
        Self { head: head.map(column).to_vec(), rows: Vec::new() }
    }

    pub(crate) fn push<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.head.len());
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Takes out the columns in which no row has anything.
    pub(crate) fn without_empty_columns(mut self) -> Self {
        let used: Vec<bool> =
            (0..self.head.len()).map(|column| self.rows.iter().any(|row| !row[column].is_empty())).collect();
        retain_used(&mut self.head, &used);
        self.rows.iter_mut().for_each(|row| retain_used(row, &used));
        self
    }

    /// Writes the head and the rows, or nothing where there are no rows.
    pub(crate) fn write(&self, to: &mut impl Write, is_terminal: bool, is_coloured: bool) -> io::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let width_max = if is_terminal { CELL_WIDTH_MAX } else { usize::MAX };
        let head: Vec<String> = self.head.iter().map(|(name, _)| (*name).to_owned()).collect();
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| cut(cell, width_max)).collect()).collect();
        let widths = self.widths(&head, &rows);
        let (begin, end) = if is_coloured { (BOLD, PLAIN) } else { ("", "") };
        writeln!(to, "{begin}{}{end}", self.line(&head, &widths))?;
        rows.iter().try_for_each(|row| writeln!(to, "{}", self.line(row, &widths)))
    }

    fn widths(&self, head: &[String], rows: &[Vec<String>]) -> Vec<usize> {
        let width = |column: usize| rows.iter().map(|row| row[column].width()).chain([head[column].width()]).max();
        (0..head.len()).map(|column| width(column).unwrap_or(0)).collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let padded = |((cell, width), (_, align)): ((&String, &usize), &(&str, Align))| {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left => format!("{cell}{padding}"),
                Align::Right => format!("{padding}{cell}"),
            }
        };
        let cells: Vec<String> = cells.iter().zip(widths).zip(&self.head).map(padded).collect();
        cells.join(GAP).trim_end().to_owned()
    }
}

fn retain_used<T>(columns: &mut Vec<T>, used: &[bool]) {
    let mut used = used.iter();
    columns.retain(|_| used.next().copied().unwrap_or(false));
}

/// The text on one line, without what a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(printable_char).collect()
}

fn printable_char(c: char) -> char {
    match c {
        '\n' | '\t' => ' ',
        // The second group embeds, overrides and isolates writing directions.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ if c.is_control() => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

/// The text, cut to a width with an ellipsis where it is wider.
fn cut(text: &str, width_max: usize) -> String {
    if text.width() <= width_max {
        return text.to_owned();
    }
    let mut width = 1;
    let is_within = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= width_max
    };
    let kept: String = text.chars().take_while(is_within).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(table: &Table, is_terminal: bool) -> String {
        let mut bytes = Vec::new();
        table.write(&mut bytes, is_terminal, false).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn columns_align_by_what_characters_take_on_a_terminal() {
        let mut table = Table::new(["PAYEE", ">AMOUNT", "NOTE"]);
        table.push(["東京".into(), "1.00".into(), String::new()]);
        table.push(["Cafe\u{301}".into(), "100.00".into(), "x".into()]);
        assert_eq!(written(&table, false), "PAYEE  AMOUNT  NOTE\n東京     1.00\nCafe\u{301}   100.00  x\n");
    }

    #[test]
    fn a_column_without_anything_is_left_out() {
        let mut table = Table::new(["A", "B", "C"]);
        table.push(["1".into(), String::new(), "3".into()]);
        assert_eq!(written(&table.without_empty_columns(), false), "A  C\n1  3\n");
        assert_eq!(written(&Table::new(["A"]), false), "");
    }

    #[test]
    fn what_a_terminal_would_obey_is_replaced() {
        assert_eq!(printable("a\x1b[2Jb\u{202e}c\nd"), "a\u{fffd}[2Jb\u{fffd}c d");
    }

    #[test]
    fn long_texts_are_cut_on_a_terminal_only() {
        let mut table = Table::new(["NOTE"]);
        table.push(["ü".repeat(50)]);
        assert_eq!(written(&table, true), format!("NOTE\n{}…\n", "ü".repeat(39)));
        assert_eq!(written(&table, false), format!("NOTE\n{}\n", "ü".repeat(50)));
    }
}
