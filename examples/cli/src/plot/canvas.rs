//! Shapes and texts of one SVG, in pixels from the top left.

use std::fmt::{Arguments, Write};

use unicode_width::UnicodeWidthStr;

use crate::output::table::printable;

pub(super) const WIDTH: i64 = 960;
/// The frame of what is plotted, left and right; what is above it depends on how much there is to say.
pub(super) const LEFT: i64 = 96;
pub(super) const RIGHT: i64 = WIDTH - 28;

pub(super) const INK: &str = "#333";
pub(super) const FAINT: &str = "#6b7580";
pub(super) const GRID: &str = "#e4e7eb";

/// Columns of a line of text across the picture.
const LINE_COLUMNS: usize = 128;
/// How wide a column of text is at most, in tenths of a pixel, at 12 pixels.
const COLUMN_TENTHS: i64 = 68;
const LINE_HEIGHT: i64 = 18;

/// On which side of its place a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture that is being drawn.
pub(super) struct Canvas {
    shapes: String,
    height: i64,
    /// Where the next line of the head stands.
    head: i64,
}

impl Canvas {
    /// A picture so high below its head, with a title.
    pub(super) fn new(title: &str) -> Self {
        let mut canvas = Self { shapes: String::new(), height: 0, head: 30 };
        let y = canvas.head;
        canvas.put(format_args!("<text x=\"{LEFT}\" y=\"{y}\" font-size=\"17\">{}</text>", escaped(title)));
        canvas.head += 22;
        canvas
    }

    /// A sentence below the title, on as many lines as it needs.
    pub(super) fn sentence(&mut self, text: &str) {
        for line in wrapped(text) {
            let y = self.head;
            self.text(LEFT, y, Anchor::Start, FAINT, &line);
            self.head += LINE_HEIGHT;
        }
    }

    /// What colours mean, beside each other below the sentences.
    pub(super) fn keys(&mut self, keys: &[(&str, &str)]) {
        let mut x = LEFT;
        self.head += 4;
        for (colour, name) in keys {
            if x > LEFT && x + 20 + text_width(name) > RIGHT {
                x = LEFT;
                self.head += LINE_HEIGHT;
            }
            let y = self.head;
            self.rect(x, y - 10, 12, 12, colour);
            self.text(x + 18, y, Anchor::Start, INK, name);
            x += 18 + text_width(name) + 24;
        }
        self.head += LINE_HEIGHT;
    }

    /// The frame for what is plotted, so high, below the head: its top and its bottom.
    pub(super) fn frame(&mut self, height: i64) -> (i64, i64) {
        let top = self.head + 6;
        (top, top + height)
    }

    pub(super) fn rect(&mut self, x: i64, y: i64, width: i64, height: i64, fill: &str) {
        self.put(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"));
    }

    /// A line with a width, and dashes if it is no axis.
    pub(super) fn line(&mut self, from: (i64, i64), to: (i64, i64), colour: &str, width: i64, is_dashed: bool) {
        let dashes = if is_dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let ((x1, y1), (x2, y2)) = (from, to);
        self.put(format_args!(
            "<path d=\"M{x1} {y1}L{x2} {y2}\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>"
        ));
    }

    pub(super) fn circle(&mut self, x: i64, y: i64, radius: i64, fill: &str) {
        self.put(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{fill}\" fill-opacity=\"0.8\" stroke=\"#fff\" stroke-width=\"1\"/>"
        ));
    }

    pub(super) fn text(&mut self, x: i64, y: i64, anchor: Anchor, fill: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.put(format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{text}</text>"));
    }

    /// A text that is read from bottom to top, around a height.
    pub(super) fn upright(&mut self, x: i64, y: i64, text: &str) {
        let text = escaped(text);
        self.put(format_args!(
            "<text transform=\"translate({x} {y}) rotate(-90)\" text-anchor=\"middle\" fill=\"{FAINT}\">{text}</text>"
        ));
    }

    /// The file, cut below so many pixels.
    pub(super) fn finish(mut self, height: i64) -> String {
        self.height = height;
        let Self { shapes, height, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{shapes}</svg>\n"
        )
    }

    fn put(&mut self, shape: Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.shapes, "{shape}");
    }
}

/// How wide a text is at most, in pixels.
pub(super) fn text_width(text: &str) -> i64 {
    i64::try_from(text.width()).unwrap_or(0) * COLUMN_TENTHS / 10
}

/// A text as XML has it, without what a reader would obey.
fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A text in lines that fit.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| line.is_empty() || line.width() + word.width() < LINE_COLUMNS);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_text_and_no_markup() {
        let mut canvas = Canvas::new("Bed & <Breakfast>");
        canvas.text(1, 2, Anchor::Start, INK, "\u{202e}\"x\u{7}\"");
        let svg = canvas.finish(10);
        assert!(svg.contains("Bed &amp; &lt;Breakfast&gt;"), "{svg}");
        assert!(svg.contains("&quot;x") && !svg.contains('\u{202e}') && !svg.contains('\u{7}'), "{svg}");
    }

    #[test]
    fn a_long_sentence_is_cut_between_words() {
        let lines = wrapped(&"word ".repeat(60));
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.width() <= LINE_COLUMNS && !line.starts_with(' ')));
        assert_eq!(wrapped(&"x".repeat(300)).len(), 1, "a word alone is not cut");
    }
}
