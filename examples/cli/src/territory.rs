//! The currency of the territory in the locale, for a first ledger nobody gave one.

use outlay_core::Currency;

use crate::failure::Failure;
use crate::input;

/// Where the locale names no territory, or one that is not below.
const FALLBACK: &str = "EUR";

/// The currency of the locale that applies to money.
pub(crate) fn currency() -> Result<Currency, Failure> {
    let locale = ["LC_ALL", "LC_MONETARY", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default();
    input::currency(code(&locale))
}

/// The code for a locale such as `de_CH.UTF-8`.
fn code(locale: &str) -> &'static str {
    let territory =
        locale.split(['.', '@']).next().and_then(|name| name.split_once('_')).map(|(_, territory)| territory);
    let known =
        |territory: &str| CODES.iter().find(|(_, territories)| territories.split(' ').any(|one| one == territory));
    territory.and_then(known).map_or(FALLBACK, |(code, _)| code)
}

/// Currencies with the territories (ISO 3166) that use them, for locales that operating systems ship. Territories of
/// the euro are the fallback.
const CODES: &[(&str, &str)] = &[
    ("AED", "AE"),
    ("ARS", "AR"),
    ("AUD", "AU"),
    ("BDT", "BD"),
    ("BRL", "BR"),
    ("CAD", "CA"),
    ("CHF", "CH LI"),
    ("CLP", "CL"),
    ("CNY", "CN"),
    ("COP", "CO"),
    ("CZK", "CZ"),
    ("DKK", "DK FO GL"),
    ("EGP", "EG"),
    ("GBP", "GB GG IM JE"),
    ("HKD", "HK"),
    ("HUF", "HU"),
    ("IDR", "ID"),
    ("ILS", "IL"),
    ("INR", "IN"),
    ("ISK", "IS"),
    ("JPY", "JP"),
    ("KES", "KE"),
    ("KRW", "KR"),
    ("KWD", "KW"),
    ("LKR", "LK"),
    ("MAD", "MA"),
    ("MXN", "MX"),
    ("MYR", "MY"),
    ("NGN", "NG"),
    ("NOK", "NO SJ"),
    ("NPR", "NP"),
    ("NZD", "NZ"),
    ("PEN", "PE"),
    ("PHP", "PH"),
    ("PKR", "PK"),
    ("PLN", "PL"),
    ("QAR", "QA"),
    ("RON", "RO"),
    ("RSD", "RS"),
    ("RUB", "RU"),
    ("SAR", "SA"),
    ("SEK", "SE"),
    ("SGD", "SG"),
    ("THB", "TH"),
    ("TND", "TN"),
    ("TRY", "TR"),
    ("TWD", "TW"),
    ("UAH", "UA"),
    ("USD", "US PR EC SV"),
    ("UYU", "UY"),
    ("VND", "VN"),
    ("ZAR", "ZA"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_has_the_currency_of_its_territory() {
        for (locale, expected) in [
            ("de_CH.UTF-8", "CHF"),
            ("en_GB", "GBP"),
            ("ca_ES@valencia", "EUR"),
            ("C.UTF-8", "EUR"),
            ("POSIX", "EUR"),
            ("", "EUR"),
            ("ja_JP.UTF-8@x", "JPY"),
        ] {
            assert_eq!(code(locale), expected, "{locale:?}");
        }
    }

    #[test]
    fn every_code_is_a_currency() {
        for (code, _) in CODES {
            assert!(Currency::parse(code).is_ok(), "{code}");
        }
    }
}
