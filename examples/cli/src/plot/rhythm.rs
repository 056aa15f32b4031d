//! The rhythm map: how often each seller is paid, and how much.

use outlay_core::insight::insights::CurrencyInsights;
use outlay_core::insight::rhythm::Point;
use outlay_core::insight::wording::{Names, patterns};

use super::canvas::{Anchor, Canvas, FAINT, GRID, INK, LEFT, RIGHT, text_width};
use super::scale::{Stepped, money};

const HEIGHT: i64 = 460;
/// Marks of the days from one payment to the next, in half days, with what is written there.
const GAPS: [(i64, &str); 12] = [
    (1, "½"),
    (2, "1"),
    (4, "2"),
    (8, "4"),
    (14, "7"),
    (28, "14"),
    (62, "31"),
    (122, "61"),
    (184, "92"),
    (366, "183"),
    (730, "365"),
    (1460, "730"),
];
/// The fixed lines, in half days.
const WEEK: i64 = 14;
const MONTH: i64 = 62;
const PACES: [&str; 3] = ["every week or more often", "every month or more often", "more rarely"];
const POINT: &str = "#1f5fbf";
/// Characters of a name on the map; longer ones are cut.
const NAME_CHARS_MAX: usize = 22;
const RADIUS_MIN: i64 = 4;
const RADIUS_MAX: i64 = 14;

/// A part of the picture that has a text already.
#[derive(Clone, Copy)]
struct Area {
    left: i64,
    right: i64,
    top: i64,
    bottom: i64,
}

/// The map, with where it is in the picture.
struct Map {
    days: Stepped,
    amounts: Stepped,
    frame: Area,
}

pub(super) fn draw(ledger: &str, of: &CurrencyInsights, names: &Names) -> String {
    let mut canvas = Canvas::new(&format!("{ledger}: how often and how much, {}", of.currency));
    let points = &of.rhythm.points;
    if points.is_empty() {
        canvas.sentence("Not enough to say: nobody was paid on four days.");
    } else {
        canvas.sentence("Each point is a payee, or a category where none is named; the larger, the more payments.");
        let typical =
            of.rhythm.typical.map(|typical| format!("Half of all payments are below the line across, {typical}."));
        typical.iter().for_each(|sentence| canvas.sentence(sentence));
    }
    let (top, bottom) = canvas.frame(HEIGHT);
    let frame = Area { left: LEFT, right: RIGHT, top: top + 18, bottom };
    let map = Map { days: days(points), amounts: amounts(of), frame };
    map.axes(of, &mut canvas);
    let places: Vec<(&Point, Area)> = points.iter().map(|point| (point, map.place(point))).collect();
    // The large ones first, so that the small ones are not below them.
    places.iter().for_each(|(_, area)| canvas.circle(area.middle(), area.height(), area.radius(), POINT));
    let mut taken: Vec<Area> = places.iter().map(|(_, area)| *area).collect();
    for (point, area) in &places {
        let name = cut(patterns::seller(&point.seller, names));
        let free = area.beside(text_width(&name)).into_iter().find(|text| text.is_inside(frame) && !text.meets(&taken));
        if let Some(text) = free {
            canvas.text(text.left, text.bottom - 3, Anchor::Start, INK, &name);
            taken.push(text);
        }
    }
    canvas.finish(bottom + 56)
}

fn days(points: &[Point]) -> Stepped {
    let gaps = || points.iter().map(|point| point.gap_half_days);
    // The lines of a week and a month are always on it.
    let (least, greatest) = (gaps().min().unwrap_or(WEEK).min(WEEK), gaps().max().unwrap_or(MONTH).max(MONTH + 1));
    Stepped::of(&GAPS.map(|(gap, _)| gap), least, greatest)
}

fn amounts(of: &CurrencyInsights) -> Stepped {
    let typical = of.rhythm.typical.map(|typical| typical.minor());
    let all = || of.rhythm.points.iter().map(|point| point.amount.minor()).chain(typical);
    Stepped::around(all().min().unwrap_or(100), all().max().unwrap_or(10_000))
}

impl Map {
    fn x(&self, gap_half_days: i64) -> i64 {
        self.days.place(gap_half_days, self.frame.left, self.frame.right)
    }

    fn y(&self, minor: i64) -> i64 {
        self.amounts.place(minor, self.frame.bottom, self.frame.top)
    }

    /// The area of a point, the larger the more payments.
    fn place(&self, point: &Point) -> Area {
        let radius = i64::try_from(point.payments.isqrt()).unwrap_or(RADIUS_MAX).clamp(RADIUS_MIN, RADIUS_MAX);
        let (x, y) = (self.x(point.gap_half_days), self.y(point.amount.minor()));
        Area { left: x - radius, right: x + radius, top: y - radius, bottom: y + radius }
    }

    fn axes(&self, of: &CurrencyInsights, canvas: &mut Canvas) {
        let Area { left, right, top, bottom } = self.frame;
        for mark in self.amounts.marks() {
            let y = self.y(*mark);
            canvas.line((left, y), (right, y), GRID, 1, false);
            canvas.text(left - 8, y + 4, Anchor::End, FAINT, &money(*mark, of.currency));
        }
        for mark in self.days.marks() {
            let x = self.x(*mark);
            canvas.line((x, top), (x, bottom), GRID, 1, false);
            let name = GAPS.iter().find(|(gap, _)| gap == mark).map_or("", |(_, name)| name);
            canvas.text(x, bottom + 18, Anchor::Middle, FAINT, name);
        }
        canvas.text(
            (left + right) / 2,
            bottom + 40,
            Anchor::Middle,
            FAINT,
            "days from one payment to the next (median)",
        );
        canvas.upright(22, (top + bottom) / 2, &format!("a payment, {} (median)", of.currency));
        let columns = [left, self.x(WEEK), self.x(MONTH), right];
        for (ends, pace) in columns.windows(2).zip(PACES) {
            canvas.text((ends[0] + ends[1]) / 2, top - 8, Anchor::Middle, FAINT, pace);
        }
        if let Some(typical) = of.rhythm.typical {
            let y = self.y(typical.minor());
            canvas.line((left, y), (right, y), FAINT, 1, true);
        }
        for gap in [WEEK, MONTH] {
            canvas.line((self.x(gap), top), (self.x(gap), bottom), FAINT, 1, true);
        }
    }
}

impl Area {
    const fn middle(&self) -> i64 {
        i64::midpoint(self.left, self.right)
    }

    const fn height(&self) -> i64 {
        i64::midpoint(self.top, self.bottom)
    }

    const fn radius(&self) -> i64 {
        (self.right - self.left) / 2
    }

    /// Where a text so wide may stand: right of it, left of it, above and below.
    fn beside(&self, width: i64) -> [Self; 4] {
        let at = |left: i64, middle: i64| Self { left, right: left + width, top: middle - 7, bottom: middle + 8 };
        let centred = self.middle() - width / 2;
        [
            at(self.right + 4, self.height()),
            at(self.left - 4 - width, self.height()),
            at(centred, self.top - 9),
            at(centred, self.bottom + 9),
        ]
    }

    const fn is_inside(&self, frame: Self) -> bool {
        self.left >= frame.left && self.right <= frame.right && self.top >= frame.top && self.bottom <= frame.bottom
    }

    fn meets(&self, others: &[Self]) -> bool {
        let meets = |other: &Self| {
            self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
        };
        others.iter().any(meets)
    }
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_CHARS_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}
