//! Latency over time as an SVG: of each stretch of time the middle, the 99th percentile and the greatest.
//!
//! The scale steps by 1, 2 and 5, evenly, so that what is usual and what is rare can both be read from it.

use std::fmt::Write;

use super::fan_out::Sample;
use crate::figure::{FAN_OUT_NS_MAX, LIVE_SOCKETS};
use crate::meter::{median, percentile};
use crate::report::{grouped, time};

const WIDTH: u64 = 960;
const HEIGHT: u64 = 420;
const LEFT: u64 = 72;
const RIGHT: u64 = 24;
const TOP: u64 = 72;
const BOTTOM: u64 = 52;
/// Stretches of time.
const STRETCHES: u64 = 60;
/// Marks of the time axis.
const MARKS: u64 = 6;
/// The lowest step of the scale: half a millisecond.
const LOWEST_NS: u64 = 500_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;

/// A line of the chart.
struct Series {
    name: &'static str,
    colour: &'static str,
    of: fn(&mut [u64]) -> u64,
}

const SERIES: [Series; 3] = [
    Series { name: "greatest", colour: "#9aa5b1", of: |values| values.iter().copied().max().unwrap_or(0) },
    Series { name: "99th percentile", colour: "#1f5fbf", of: |values| percentile(values, 99) },
    Series { name: "median", colour: "#17804d", of: median },
];
const LIMIT_COLOUR: &str = "#c2331f";

/// Draws what was measured in so many seconds.
pub(crate) fn draw(samples: &[Sample], seconds: u64) -> String {
    let span_ns = seconds.max(1) * SECOND;
    let mut stretches = vec![Vec::new(); usize::try_from(STRETCHES).unwrap_or(1)];
    for sample in samples {
        let place = usize::try_from(sample.due_ns * STRETCHES / span_ns).unwrap_or(usize::MAX);
        if let Some(stretch) = stretches.get_mut(place) {
            stretch.push(sample.latency_ns);
        }
    }
    let greatest = samples.iter().map(|sample| sample.latency_ns).max().unwrap_or(0);
    let scale = Scale::up_to(greatest.max(FAN_OUT_NS_MAX));
    let mut svg = head(samples);
    frame(&mut svg, &scale, seconds);
    for (series, at) in SERIES.iter().zip(0..) {
        line(&mut svg, series, &scale, &mut stretches);
        key(&mut svg, series.name, series.colour, at);
    }
    limit(&mut svg, &scale);
    svg.push_str("</svg>\n");
    svg
}

/// The steps of the vertical axis, from the bottom up, in nanoseconds.
struct Scale(Vec<u64>);

impl Scale {
    fn up_to(greatest: u64) -> Self {
        let mut steps = vec![LOWEST_NS];
        for step in (0..6).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power) * MILLISECOND)) {
            steps.push(step);
            if step > greatest {
                break;
            }
        }
        Self(steps)
    }

    fn y_of_step(&self, step: usize) -> u64 {
        let intervals = self.0.len().saturating_sub(1).max(1) as u64;
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * step as u64 / intervals
    }

    fn y(&self, value: u64) -> u64 {
        let above = self.0.partition_point(|step| *step <= value).clamp(1, self.0.len() - 1);
        let (low, high) = (self.0[above - 1], self.0[above]);
        let (bottom, top) = (self.y_of_step(above - 1), self.y_of_step(above));
        bottom - (bottom - top) * (value.clamp(low, high) - low) / (high - low)
    }
}

fn head(samples: &[Sample]) -> String {
    let (count, sockets) = (grouped(samples.len() as u64), grouped(LIVE_SOCKETS));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-size=\"16\">A write until another socket has read it: \
         {sockets} sockets, {count} readings</text>\n"
    )
}

fn frame(svg: &mut String, scale: &Scale, seconds: u64) {
    for (step, value) in scale.0.iter().enumerate() {
        let (y, right) = (scale.y_of_step(step), WIDTH - RIGHT);
        let label =
            if *value < MILLISECOND { "0.5 ms".to_owned() } else { format!("{} ms", grouped(value / MILLISECOND)) };
        put(svg, format_args!("<path d=\"M{LEFT} {y}H{right}\" stroke=\"#e4e7eb\"/>"));
        let (x, y) = (LEFT - 8, y + 4);
        put(svg, format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{label}</text>"));
    }
    for mark in 0..=MARKS {
        let (x, y) = (x(mark, MARKS), HEIGHT - BOTTOM + 20);
        put(svg, format_args!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{} s</text>", seconds * mark / MARKS));
    }
}

fn line(svg: &mut String, series: &Series, scale: &Scale, stretches: &mut [Vec<u64>]) {
    let mut path = String::new();
    for (place, values) in (0..).zip(stretches).filter(|(_, values)| !values.is_empty()) {
        let (x, y) = (x(2 * place + 1, 2 * STRETCHES), scale.y((series.of)(values)));
        let command = if path.is_empty() { 'M' } else { 'L' };
        put(&mut path, format_args!("{command}{x} {y}"));
    }
    let (path, colour) = (path.replace('\n', " "), series.colour);
    put(svg, format_args!("<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", path.trim_end()));
}

fn limit(svg: &mut String, scale: &Scale) {
    let (y, right) = (scale.y(FAN_OUT_NS_MAX), WIDTH - RIGHT);
    let dashes = "stroke-width=\"2\" stroke-dasharray=\"6 4\"";
    put(svg, format_args!("<path d=\"M{LEFT} {y}H{right}\" stroke=\"{LIMIT_COLOUR}\" {dashes}/>"));
    let name = format!("limit of the 99th percentile, {}", time(FAN_OUT_NS_MAX));
    key(svg, &name, LIMIT_COLOUR, SERIES.len() as u64);
}

/// An entry of the legend.
fn key(svg: &mut String, name: &str, colour: &str, at: u64) {
    let (x, y) = (LEFT + at * 150, 50);
    let (line, text, base) = (x + 20, x + 26, y + 4);
    put(svg, format_args!("<path d=\"M{x} {y}H{line}\" stroke=\"{colour}\" stroke-width=\"3\"/>"));
    put(svg, format_args!("<text x=\"{text}\" y=\"{base}\">{name}</text>"));
}

fn x(place: u64, of: u64) -> u64 {
    LEFT + (WIDTH - LEFT - RIGHT) * place / of
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_goes_up_with_the_value_and_stays_inside() {
        let scale = Scale::up_to(70 * MILLISECOND);
        assert_eq!(scale.0.last(), Some(&(100 * MILLISECOND)));
        let heights: Vec<u64> = [0, 1, 3, 50, 70, 100, 9_000].map(|ms| scale.y(ms * MILLISECOND)).to_vec();
        assert!(heights.is_sorted_by(|lower, higher| lower >= higher), "{heights:?}");
        assert_eq!((heights[0], heights[6]), (HEIGHT - BOTTOM, TOP));
    }

    #[test]
    fn a_stretch_without_writes_leaves_no_point() {
        let sample = |due_ms| Sample { due_ns: due_ms * MILLISECOND, latency_ns: 3 * MILLISECOND };
        let svg = draw(&[sample(0), sample(900)], 1);
        let points = svg.lines().find(|line| line.contains("stroke=\"#1f5fbf\" stroke-width=\"2\"")).unwrap();
        assert_eq!(points.matches('L').count(), 1, "{points}");
        assert!(draw(&[], 1).ends_with("</svg>\n"));
    }
}
