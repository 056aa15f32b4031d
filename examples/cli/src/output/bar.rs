//! Bars for reports and lines of months, in eighths of a character.

/// Characters of the longest bar: with a name and an amount it fits 80 columns.
const WIDTH: i128 = 30;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar for `value` where `greatest` has the longest; none where there is nothing to show.
pub(crate) fn bar(value: i128, greatest: i128) -> String {
    if value <= 0 || greatest <= 0 {
        return String::new();
    }
    // Sums stay far below 2^120, but a bar is no reason to fail.
    let eighths = value.min(greatest).saturating_mul(WIDTH * 8) / greatest;
    // What is not nothing is visible.
    let eighths = usize::try_from(eighths).unwrap_or(0).max(1);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// The steps of a sparkline, the lowest first.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A character for each value, as high as its share of the greatest; what is nothing or less is a space.
pub(crate) fn sparkline(values: impl Iterator<Item = i128> + Clone) -> String {
    let greatest = values.clone().max().unwrap_or(0).max(1);
    let step = |value: i128| match value {
        ..=0 => ' ',
        value => STEPS[usize::try_from((value.saturating_mul(8) - 1) / greatest).unwrap_or(0).min(7)],
    };
    values.map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(100, 100), "█".repeat(30));
        assert_eq!(bar(50, 100), "█".repeat(15));
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(5, 80), "█▉");
    }

    #[test]
    fn nothing_and_less_have_no_bar() {
        assert_eq!(bar(0, 100), "");
        assert_eq!(bar(-5, 100), "");
        assert_eq!(bar(0, 0), "");
        assert!(!bar(i128::MAX, i128::MAX).is_empty());
    }

    #[test]
    fn a_sparkline_is_as_high_as_each_share() {
        assert_eq!(sparkline([8, 4, 1, 0, -3].into_iter()), "█▄▁  ");
        assert_eq!(sparkline([1].into_iter()), "█");
        assert_eq!(sparkline([1_000_000, 1].into_iter()), "█▁");
        assert_eq!(sparkline([].into_iter()), "");
        assert_eq!(sparkline([0, 0].into_iter()), "  ");
    }
}
