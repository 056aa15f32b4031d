//! A year of one household, made up from a seed: what a bank's export looks like, its oddities included.

use outlay_core::Date;

const SEED: u64 = 2026;
const HEADER: &str = "Date,Payee,Category,Account,Note,Amount\n";
const FIRST: (u16, u8, u8) = (2025, 11, 1);
const DAYS: i32 = 365;
/// A day that does not exist, as exports have them once in a while.
const DAMAGED: &str = "2026-02-30,Corner Café,Food:Snacks,Cash,two of us,-7.20\n";
/// Two lines that are equal because it happened twice.
const TWINS: &str = "2026-06-14,City Transit,Transport,Debit card,single ticket,-2.80\n";

/// What is bought now and then: payee, category, account, notes, least and greatest cents, times in 365 days.
type Habit = (&'static str, &'static str, &'static str, &'static [&'static str], u64, u64, u64);

const HABITS: [Habit; 14] = [
    ("Green Grocers", "Food:Groceries", "Debit card", &["weekly shopping", "fruit and bread", ""], 1_200, 8_900, 96),
    ("Market Hall", "Food:Groceries", "Cash", &["vegetables", "cheese and olives"], 600, 3_200, 44),
    ("Corner Café", "Food:Snacks", "Cash", &["coffee", "coffee and cake", "two of us", ""], 280, 1_150, 102),
    ("Bistro Nord", "Food:Restaurants", "Credit card", &["dinner with friends", "lunch", "birthday"], 1_800, 8_400, 38),
    ("City Transit", "Transport", "Debit card", &["single ticket", "day ticket"], 280, 980, 74),
    ("Rail", "Transport:Train", "Credit card", &["to the parents", "to the coast", "return"], 2_400, 11_800, 16),
    ("River Pharmacy", "Health", "Debit card", &["medicine", "plasters", ""], 490, 4_200, 18),
    ("Old Town Books", "Books", "Credit card", &["a novel", "a present", "maps"], 890, 4_900, 22),
    ("Cinema Royal", "Leisure:Cinema", "Cash", &["two tickets", "late show"], 1_100, 2_900, 24),
    ("Swimming Pool", "Leisure:Sports", "Cash", &["ten lanes", ""], 450, 450, 40),
    ("Stone Hardware", "Home", "Debit card", &["paint", "screws", "a lamp for the kitchen"], 350, 7_600, 17),
    ("Bright Clothing", "Clothing", "Credit card", &["winter jacket", "shoes", "shirts"], 1_990, 14_900, 12),
    ("Flower Stall", "Gifts", "Cash", &["for the neighbours", "birthday"], 700, 3_400, 13),
    ("Bicycle Workshop", "Transport:Bicycle", "Debit card", &["new chain", "repair of the brake"], 1_500, 9_800, 6),
];

/// What comes every month: day, payee, category, account, note, cents.
const MONTHLY: [(u8, &str, &str, &str, &str, i64); 5] = [
    (1, "Housing Company", "Home:Rent", "Current account", "rent", -92_000),
    (3, "Power and Water", "Home:Utilities", "Current account", "monthly bill", -11_450),
    (5, "Telephone", "Home:Utilities", "Current account", "telephone and internet", -3_999),
    (15, "Health Insurance", "Health:Insurance", "Current account", "", -14_820),
    (27, "Employer", "Salary", "Current account", "salary", 284_000),
];

/// The CSV, newest day first as banks give it.
pub(crate) fn csv() -> String {
    let mut lines: Vec<String> = (0..DAYS).filter_map(day).flat_map(lines_of).collect();
    let place = lines.len() / 3;
    lines.splice(place..place, [TWINS, DAMAGED, TWINS].map(str::to_owned));
    lines.reverse();
    HEADER.chars().chain(lines.concat().chars()).collect()
}

/// The years before it, oldest day first: enough of them that sending them takes a while.
pub(crate) fn earlier(years: i32) -> String {
    let days = (-DAYS * years..0).filter_map(day);
    HEADER.chars().chain(days.flat_map(lines_of).collect::<String>().chars()).collect()
}

fn day(number: i32) -> Option<Date> {
    let (year, month, day) = FIRST;
    Date::from_ymd(year, month, day).ok()?.add_days(number)
}

fn lines_of(date: Date) -> Vec<String> {
    let monthly = MONTHLY.iter().filter(|(day, ..)| *day == date.day());
    let monthly =
        monthly.map(|(_, payee, category, account, note, cents)| line(date, payee, category, account, note, *cents));
    let mut chance = Chance(SEED ^ u64::from(date.days().unsigned_abs()) << 20);
    let habits = HABITS.iter().filter_map(|(payee, category, account, notes, least, greatest, times)| {
        let is_today = chance.below(365) < *times;
        let cents = -i64::try_from(least + chance.below(greatest - least + 1)).ok()?;
        let note = usize::try_from(chance.below(notes.len() as u64)).ok().and_then(|place| notes.get(place))?;
        is_today.then(|| line(date, payee, category, account, note, cents))
    });
    monthly.chain(habits).collect()
}

fn line(date: Date, payee: &str, category: &str, account: &str, note: &str, cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let (whole, part) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    format!("{date},{payee},{category},{account},{note},{sign}{whole}.{part:02}\n")
}

/// Numbers without pattern, from a seed: SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_a_year_and_always_the_same() {
        let csv = csv();
        assert!((550..650).contains(&csv.lines().count()), "{}", csv.lines().count());
        assert_eq!(csv, super::csv());
        assert_eq!(csv.matches(TWINS.trim_end()).count(), 2);
    }
}
