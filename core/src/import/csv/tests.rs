//! Exports as banks and apps write them, and what is left when they are broken.

use encoding_rs::{UTF_16LE, WINDOWS_1252};
use outlay_ledger::{Currency, DateError, MoneyError};

use super::*;

fn dollar() -> Currency {
    Currency::parse("USD").unwrap()
}

/// Each row as its line and its draft or reason.
fn import(file: &[u8]) -> Vec<(u64, Result<Draft, RowError>)> {
    import_with(file, &Profile::guess(file).unwrap())
}

fn import_with(file: &[u8], profile: &Profile) -> Vec<(u64, Result<Draft, RowError>)> {
    let rows = Rows::new(file, profile).unwrap();
    let interpreter = Interpreter::new(profile, &rows, dollar()).unwrap();
    rows.map(|row| row.unwrap()).map(|row| (row.line(), interpreter.interpret(&row))).collect()
}

/// A draft in one line: kind, amount, date, time, payee, note, account, other account, categories, tags.
fn shown(draft: &Draft) -> String {
    let or_dash = |name: &Option<String>| name.clone().unwrap_or("-".into());
    let date = draft.time.map_or(draft.date.to_string(), |time| format!("{} {time}", draft.date));
    format!(
        "{:?} {} {date} | {} | {} | {} > {} | {} / {} | {}",
        draft.kind,
        draft.amount,
        draft.payee,
        draft.note,
        or_dash(&draft.account),
        or_dash(&draft.to_account),
        or_dash(&draft.category),
        or_dash(&draft.subcategory),
        draft.tags.join(",")
    )
}

fn all_shown(file: &[u8]) -> Vec<String> {
    import(file).iter().map(|(_, draft)| draft.as_ref().map_or_else(ToString::to_string, shown)).collect()
}

#[test]
fn a_household_book_is_read_with_two_date_formats_and_transfers_of_one_account() {
    let file = "\
Date,Mode,Category,Subcategory,Note,Amount,Income/Expense,Currency
20-09-2018 12:04,Cash,Transportation,Train,2 Place 5 to Place 0,30,Expense,INR
19-09-2018,Saving Bank account 1,subscription,Netflix,1 month subscription,199.5,Expense,INR
13-09-2018,Saving Bank account 1,Small Cap fund 2,,,5000,Transfer-Out,INR
01-09-2018 00:00,Saving Bank account 1,Salary,,,91000,Income,INR
";
    assert_eq!(
        all_shown(file.as_bytes()),
        [
            "Expense 30.00 INR 2018-09-20 12:04 | 2 Place 5 to Place 0 |  | Cash > - | Transportation / Train | ",
            "Expense 199.50 INR 2018-09-19 | 1 month subscription |  | Saving Bank account 1 > - | subscription / Netflix | ",
            "Transfer 5000.00 INR 2018-09-13 |  |  | Saving Bank account 1 > - | Small Cap fund 2 / - | ",
            "Income 91000.00 INR 2018-09-01 00:00 |  |  | Saving Bank account 1 > - | Salary / - | ",
        ]
    );
    let profile = Profile::guess(file.as_bytes()).unwrap();
    assert_eq!((profile.date_order, profile.sign), (Some(DateOrder::DayFirst), Some(Sign::NegativeIsReversal)));
}

#[test]
fn a_german_bank_writes_in_windows_1252_with_a_preamble_and_commas() {
    let file = "\
\"Kontonummer:\";\"DE00 1234 / Girokonto\";\n\
\n\
\"Kontostand vom 31.12.2025:\";\"1.234,56 EUR\";\n\
\"Buchungstag\";\"Wertstellung\";\"Buchungstext\";\"Auftraggeber / Begünstigter\";\"Verwendungszweck\";\"Betrag\";\"Währung\";\n\
\"31.12.2025\";\"01.01.2026\";\"Lastschrift\";\"Stadtwerke Köln\";\"Abschlag \"\"Strom\"\"\";\"-1.234,56\";\"EUR\";\n\
\"01.12.2025\";\"01.12.2025\";\"Gutschrift\";\"Käse & Söhne\";\"Gehalt\";\"2.500,00\";\"EUR\";\n";
    let (bytes, _, _) = WINDOWS_1252.encode(file);
    let profile = Profile::guess(&bytes).unwrap();
    assert_eq!(profile.dialect.encoding.as_deref(), Some("windows-1252"));
    assert_eq!(profile.dialect.preamble_lines, Some(3));
    assert_eq!(
        all_shown(&bytes),
        [
            "Expense 1234.56 EUR 2025-12-31 | Stadtwerke Köln | Abschlag \"Strom\" | - > - | - / - | ",
            "Income 2500.00 EUR 2025-12-01 | Käse & Söhne | Gehalt | - > - | - / - | ",
        ]
    );
    assert_eq!(import(&bytes)[0].0, 5, "lines of the preamble are counted");
}

#[test]
fn an_american_bank_writes_the_month_first_and_parentheses() {
    let file = "Date,Description,Amount,Running Bal.\r\n\
                01/02/2026,COFFEE SHOP,(3.40),\"1,000.00\"\r\n\
                01/13/2026,\"PAYROLL, ACME\",\"2,500.00\",\"3,500.00\"\r\n";
    assert_eq!(
        all_shown(file.as_bytes()),
        [
            "Expense 3.40 USD 2026-01-02 | COFFEE SHOP |  | - > - | - / - | ",
            "Income 2500.00 USD 2026-01-13 | PAYROLL, ACME |  | - > - | - / - | ",
        ]
    );
}

/// Nobody says what a minus means here, but so few of them are no bank's.
#[test]
fn a_list_of_expenses_stays_one_where_something_came_back() {
    let day = |day: usize| format!("2026-01-{day:02},Shop,{}12.50\n", if day == 7 { "-" } else { "" });
    let file = |days: usize| format!("Date,Payee,Amount\n{}", (1..=days).map(day).collect::<String>());
    let shown = all_shown(file(11).as_bytes());
    let (spent, back): (Vec<&String>, Vec<&String>) = shown.iter().partition(|row| row.starts_with("Expense 12.50"));
    assert_eq!((spent.len(), back.as_slice()), (10, [&shown[6]].as_slice()));
    assert!(shown[6].starts_with("Income 12.50"), "{}", shown[6]);

    // One of ten may be a bank's, and so may any list that has a plus.
    assert_eq!(Profile::guess(file(9).as_bytes()).unwrap().sign, Some(Sign::NegativeIsSpent));
    let with_plus = file(11).replacen("12.50", "+12.50", 1);
    assert_eq!(Profile::guess(with_plus.as_bytes()).unwrap().sign, Some(Sign::NegativeIsSpent));
}

/// Two currencies are never one, whatever language says which they are.
#[test]
fn a_currency_column_is_one_by_its_contents_too() {
    let file = "Дата,Магазин,Сумма,Валюта\n2026-01-02,VPN,5.00,USD\n2026-01-03,Чай,90.00,RUB\n";
    let profile = Profile::guess(file.as_bytes()).unwrap();
    assert_eq!(profile.columns[&Field::Currency], Column::Name("Валюта".to_owned()));
    let shown = all_shown(file.as_bytes());
    assert!(shown[0].starts_with("Expense 5.00 USD") && shown[1].starts_with("Expense 90.00 RUB"), "{shown:?}");
    let accounts = "Date,Payee,Amount,Konto X\n2026-01-02,Tea,5.00,EUR\n2026-01-03,Tea,9.00,ING\n";
    assert_eq!(Profile::guess(accounts.as_bytes()).unwrap().columns.get(&Field::Currency), None, "one cell is no code");
}

#[test]
fn debit_and_credit_stand_in_columns_of_their_own() {
    let file = "Posting Date;Details;Money Out;Money In;Balance\n\
                03/04/2026;Rent;900.00;;100.00\n\
                04/04/2026;Refund;0.00;12.00;112.00\n\
                05/04/2026;Both;1.00;2.00;112.00\n\
                06/04/2026;Neither;;;112.00\n";
    let rows = import(file.as_bytes());
    assert_eq!(
        rows.iter().map(|(_, draft)| draft.as_ref().map(shown).map_err(Clone::clone)).collect::<Vec<_>>(),
        [
            Ok("Expense 900.00 USD 2026-04-03 | Rent |  | - > - | - / - | ".into()),
            Ok("Income 12.00 USD 2026-04-04 | Refund |  | - > - | - / - | ".into()),
            Err(RowError::DebitAndCredit),
            Err(RowError::Missing { field: Field::Amount }),
        ]
    );
}

#[test]
fn another_app_has_accounts_kinds_tags_and_notes_over_several_lines() {
    let file = "Date\tTime\tType\tAmount\tCurrency\tAccount\tTo account\tCategory\tSubcategory\tPayee\tNote\tTags\n\
                2026-11-02\t18:05\tExpense\t12.50\tEUR\tCard\t\tFood\tLunch\tCorner Café\t\"two\nlines\"\ttrip, #work, trip\n\
                2026-11-03\t\tTransfer\t100\tEUR\tCard\tSavings\t\t\t\t\t\n\
                2026-11-04\t\tExpense\t-5\tEUR\tCard\t\tFood\t\tShop\treturned\t#a #b\n\
                2026-11-05\t\tGift?\t5\tEUR\tCard\t\t\t\t\t\t\n\
                2026-11-06\t\tIncome\t1\tEUX\tCard\t\t\t\t\t\t\n\
                2026-11-07\t\tIncome\t1\tEUR\tCard\t\t\t\t\t\t\n";
    let rows = import(file.as_bytes());
    assert_eq!(
        rows[..3].iter().map(|(_, draft)| shown(draft.as_ref().unwrap())).collect::<Vec<_>>(),
        [
            "Expense 12.50 EUR 2026-11-02 18:05 | Corner Café | two\nlines | Card > - | Food / Lunch | trip,work",
            "Transfer 100.00 EUR 2026-11-03 |  |  | Card > Savings | - / - | ",
            "Income 5.00 EUR 2026-11-04 | Shop | returned | Card > - | Food / - | a,b",
        ]
    );
    assert_eq!(rows[1].0, 4, "a cell over two lines counts two");
    assert_eq!(rows[3].1, Err(RowError::UnknownKind));
    assert!(matches!(rows[4].1, Err(RowError::Currency(CurrencyError::Unknown { .. }))));
}

#[test]
fn a_dutch_bank_says_the_direction_in_a_word() {
    let file = "\"Datum\",\"Naam / Omschrijving\",\"Rekening\",\"Tegenrekening\",\"Code\",\"Af Bij\",\"Bedrag (EUR)\",\"Mededelingen\"\n\
                \"20261102\",\"Albert\",\"NL00INGB\",\"\",\"BA\",\"Af\",\"12,50\",\"Pas 1\"\n\
                \"20261103\",\"Werkgever\",\"NL00INGB\",\"NL01\",\"OV\",\"Bij\",\"2500,00\",\"Salaris\"\n";
    assert_eq!(
        all_shown(file.as_bytes()),
        [
            "Expense 12.50 EUR 2026-11-02 | Albert | Pas 1 | NL00INGB > - | - / - | ",
            "Income 2500.00 EUR 2026-11-03 | Werkgever | Salaris | NL00INGB > - | - / - | ",
        ]
    );
}

#[test]
fn romance_headers_are_understood() {
    for (header, row, draft) in [
        (
            "Date opération;Libellé;Débit;Crédit;Solde",
            "31/12/2025;Boulangerie;3,40;;100,00",
            "Expense 3.40 USD 2025-12-31 | Boulangerie |  | - > - | - / - | ",
        ),
        (
            "F. Operación;Concepto;Importe;Divisa;Saldo",
            "31/12/2025;Panadería;-3,40;EUR;100,00",
            "Expense 3.40 EUR 2025-12-31 | Panadería |  | - > - | - / - | ",
        ),
        (
            "Data contabile;Data valuta;Descrizione;Dare;Avere",
            "31/12/2025;31/12/2025;Stipendio;;1.500,00",
            "Income 1500.00 USD 2025-12-31 | Stipendio |  | - > - | - / - | ",
        ),
        (
            "Data lançamento;Descrição;Valor;Categoria;Observação",
            "31/12/2025;Padaria;-3,40;Comida;pão",
            "Expense 3.40 USD 2025-12-31 | Padaria | pão | - > - | Comida / - | ",
        ),
    ] {
        assert_eq!(all_shown(format!("{header}\n{row}\n").as_bytes()), [draft], "{header}");
    }
}

#[test]
fn a_file_without_a_header_is_read_by_its_contents() {
    let file =
        "\"11/02/2026\",\"-12.50\",\"*\",\"\",\"CORNER CAFE 123\"\n\"11/14/2026\",\"900.00\",\"*\",\"\",\"PAYROLL\"\n";
    let profile = Profile::guess(file.as_bytes()).unwrap();
    assert_eq!((profile.dialect.has_header, profile.dialect.cells), (Some(false), Some(5)));
    assert_eq!(
        all_shown(file.as_bytes()),
        [
            "Expense 12.50 USD 2026-11-02 | CORNER CAFE 123 |  | - > - | - / - | ",
            "Income 900.00 USD 2026-11-14 | PAYROLL |  | - > - | - / - | ",
        ]
    );
    assert_eq!(import(file.as_bytes())[0].0, 1);
}

#[test]
fn unicode_text_of_a_spreadsheet_is_read() {
    let text = "Date\tPayee\tAmount\r\n2026-11-02\tCafé Größe\t-3.40\r\n";
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf_16.iter().copied()).collect();
    for bytes in [&marked, &utf_16] {
        assert_eq!(all_shown(bytes), ["Expense 3.40 USD 2026-11-02 | Café Größe |  | - > - | - / - | "]);
        assert_eq!(Profile::guess(bytes).unwrap().dialect.encoding.as_deref(), Some(UTF_16LE.name()));
    }
}

#[test]
fn bad_rows_are_named_with_line_and_reason_and_the_rest_goes_on() {
    let long = "x".repeat(129);
    let file = format!(
        "Date,Payee,Account,Amount\n\
         31-02-2019,a,b,1.00\n\
         soon,a,b,1.00\n\
         01-03-2019,a,b,0.00\n\
         01-03-2019,a,b,\"12,50\"\n\
         01-03-2019,a,b,1e3\n\
         01-03-2019,a,b,1.005\n\
         01-03-2019,a,b,99999999999999.00\n\
         01-03-2019,a,{long},1.00\n\
         ,a,b,1.00\n\
         01-03-2019,a\n\
         01-03-2019,a,b,1.00,more\n\
         01-03-2019,a,b,1.00,\n\
         01-03-2019,\u{1}a,b,1.00\n\
         ,,,\n\
         01-03-2019,good,b,1.00\n\
         01-03-2019,\"open,b,1.00"
    );
    let rejected: Vec<(u64, RowError)> =
        import(file.as_bytes()).into_iter().filter_map(|(line, draft)| Some((line, draft.err()?))).collect();
    let not_money = |hint: Option<&str>| RowError::Amount(MoneyError::NotMoney { hint: hint.map(str::to_owned) });
    let error = TextError::TooLong { bytes_max: 128 };
    assert_eq!(
        rejected,
        [
            (2, RowError::Date(DateError::NoSuchDate)),
            (3, RowError::Date(DateError::NotADate)),
            (4, RowError::ZeroAmount),
            (5, not_money(Some("12.50"))),
            (6, not_money(None)),
            (7, RowError::Amount(MoneyError::TooManyDecimals { currency: dollar(), allowed: 2 })),
            (8, RowError::Amount(MoneyError::OutOfRange)),
            (9, RowError::Text { field: Field::Account, error }),
            (10, RowError::Missing { field: Field::Date }),
            (11, RowError::CellCount { expected: 4, found: 2 }),
            (12, RowError::CellCount { expected: 4, found: 5 }),
            (14, RowError::ControlCharacter { code: 1 }),
            (17, RowError::UnterminatedQuote),
        ]
    );
    assert_eq!(import(file.as_bytes()).iter().filter(|(_, draft)| draft.is_ok()).count(), 2);
}

#[test]
fn a_description_too_long_for_a_payee_stands_in_full_in_the_note() {
    let text = "word ".repeat(100);
    let file = format!("Date,Description,Amount\n2026-11-02,{text},-1.00\n");
    let draft = import(file.as_bytes()).remove(0).1.unwrap();
    assert_eq!(draft.note, text.trim());
    assert!(draft.payee.len() <= 256 && draft.payee.ends_with("word"));
}

#[test]
fn a_file_that_is_no_table_has_its_own_error() {
    let error = |bytes: &[u8]| Profile::guess(bytes).unwrap_err();
    assert!(matches!(error(b""), CsvError::Empty));
    assert!(matches!(error(b"\xef\xbb\xbf \r\n \n"), CsvError::Empty));
    assert!(matches!(error(b"PK\x03\x04\0\0\0\0binary"), CsvError::NotText));
    assert!(matches!(error(&[0x01, 0x02, 0x9f, 0x8e].repeat(300)), CsvError::NotText));
    assert!(matches!(error(b"Date,Payee,Amount\n"), CsvError::NoRows));
    assert!(matches!(error(b"just one column\nof words\n"), CsvError::NoColumns));
    assert!(matches!(error(&vec![b'x'; 3 << 20]), CsvError::NoColumns));
    assert!(matches!(error(b"a,b\nx,1.00\ny,2.00\n"), CsvError::Unrecognised { field: Field::Date }));
    assert!(matches!(error(b"Date,Payee\n2026-11-02,x\n"), CsvError::Unrecognised { field: Field::Amount }));
}

#[test]
fn a_profile_that_asks_for_what_there_is_not_is_refused() {
    let file = b"Date,Payee,Amount\n2026-11-02,x,1.00\n";
    let with = |change: fn(&mut Profile)| {
        let mut profile = Profile::guess(file).unwrap();
        change(&mut profile);
        profile.complete(file).unwrap_err()
    };
    let columns = |column: Column| [(Field::Date, Column::Position(1)), (Field::Amount, column)].into();
    let error = with(|profile| profile.dialect.encoding = Some("EBCDIC".into()));
    assert!(matches!(error, CsvError::UnknownEncoding { .. }));
    for delimiter in ['"', '\n', 'x', '→'] {
        let profile =
            Profile { dialect: Dialect { delimiter: Some(delimiter), ..Dialect::default() }, ..Profile::default() };
        assert!(matches!(profile.complete(file), Err(CsvError::Delimiter { .. })), "{delimiter:?}");
    }
    for column in [Column::Name("Betrag".into()), Column::Position(0), Column::Position(4)] {
        let profile = Profile { columns: columns(column), ..Profile::default() };
        assert!(matches!(profile.complete(file), Err(CsvError::NoSuchColumn { field: Field::Amount, .. })));
    }
    let elsewhere = Profile { columns: columns(Column::Name("Betrag".into())), ..Profile::default() };
    assert!(matches!(Rows::new(&file[..], &elsewhere), Err(CsvError::NoSuchColumn { field: Field::Amount, .. })));
}

#[test]
fn a_profile_finds_its_columns_in_the_next_export_wherever_they_are() {
    let first = b"Date,Payee,Amount\n2026-11-02,x,-1.00\n";
    let next = b"Some bank\nAccount 7\n\namount,PAYEE,Branch,date\n-2.00,y,North,2026-12-02\n";
    let profile = Profile::guess(first).unwrap();
    let rows = import_with(next, &profile);
    assert_eq!(rows.len(), 1);
    assert_eq!(shown(rows[0].1.as_ref().unwrap()), "Expense 2.00 USD 2026-12-02 | y |  | - > - | - / - | ");
    assert_eq!(rows[0].0, 5);
}

#[test]
fn a_written_profile_names_what_it_will_and_the_rest_is_guessed() {
    let text =
        r#"{"columns": {"date": "Buchungstag", "amount": 2, "payee": "Text"}, "currency": "EUR", "account": "Giro"}"#;
    let profile: Profile = serde_json::from_str(text).unwrap();
    let file = b"Buchungstag;Betrag;Text\n31.12.2025;-1.234,56;Miete\n";
    let profile = profile.complete(file).unwrap();
    let draft = import_with(file, &profile).remove(0).1.unwrap();
    assert_eq!(shown(&draft), "Expense 1234.56 EUR 2025-12-31 | Miete |  | Giro > - | - / - | ");
    let kept = serde_json::to_string(&profile).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&kept).unwrap(), profile);
    for text in [r#"{"colums": {}}"#, r#"{"currency": "euro"}"#, r#"{"columns": {"when": 1}}"#] {
        assert!(serde_json::from_str::<Profile>(text).is_err(), "{text}");
    }
}

#[test]
fn the_fact_and_the_occurrence_do_not_depend_on_the_mapping() {
    let file =
        b"Date,Payee,Amount\n2026-11-02, Caf\xc3\xa9 ,-1.00\n2026-11-02,Cafe\xcc\x81,-1.00\n2026-11-03,x,-1.00\n";
    let guessed = Profile::guess(file).unwrap();
    let other = Profile {
        columns: [(Field::Date, Column::Position(1)), (Field::Amount, Column::Position(3))].into(),
        sign: Some(Sign::NegativeIsReversal),
        ..guessed.clone()
    };
    let facts = |profile: &Profile| -> Vec<(String, u32)> {
        let rows = Rows::new(&file[..], profile).unwrap();
        rows.map(|row| row.unwrap()).map(|row| (row.fact().to_owned(), row.occurrence())).collect()
    };
    assert_eq!(facts(&guessed), facts(&other));
    let twin = "2026-11-02\u{1f}Café\u{1f}-1.00".to_owned();
    assert_eq!(facts(&guessed)[..2], [(twin.clone(), 1), (twin, 2)], "true twins are two");
}

#[test]
fn a_source_that_fails_is_an_error_and_not_the_end() {
    use std::io::Read;
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("unplugged"))
        }
    }
    let profile = Profile::guess(b"Date,Amount\n2026-11-02,1\n").unwrap();
    assert!(matches!(Rows::new(Failing, &profile), Err(CsvError::Io(_))));
    let mut rows = Rows::new(b"Date,Amount\n2026-11-02,1\n2026-11-03,".chain(Failing), &profile).unwrap();
    assert!(rows.next().unwrap().is_ok());
    assert!(matches!(rows.next(), Some(Err(CsvError::Io(_)))));
}

/// Whatever happens to the bytes of a file, each row is a draft or a reason. 4,000 mutations of a fixed seed.
#[test]
fn no_bytes_panic() {
    let samples: [&[u8]; 4] = [
        b"Date,Mode,Category,Note,Amount,Income/Expense,Currency\n20-09-2018 12:04,Cash,Food,\"a \"\"b\"\"\nc\",30,Expense,INR\n",
        b"Buchungstag;Betrag;Text\r\n31.12.2025;-1.234,56;K\xf6ln\r\n01.01.2026;(1,5) EUR;x\r\n",
        b"Date\tTime\tDebit\tCredit\tTags\n11/30/26\t6:05 pm\t1.00\t\t#a #b\n2 Nov 2026\t\t\t\xe2\x82\xac3\tx|y\n",
        b"\xff\xfeD\0a\0t\0e\0,\0A\0m\0o\0u\0n\0t\0\n\x002\x000\x002\x006\0-\x001\x001\0-\x000\x002\0,\x001\0\n\0",
    ];
    let mut random = Random(7);
    for round in 0..4_000 {
        let mut bytes = samples[round % samples.len()].to_vec();
        for _ in 0..=random.below(6) {
            random.mutate(&mut bytes);
        }
        let Ok(profile) = Profile::guess(&bytes) else { continue };
        let Ok(rows) = Rows::new(&bytes[..], &profile) else { continue };
        let Ok(interpreter) = Interpreter::new(&profile, &rows, dollar()) else { continue };
        for row in rows {
            let row = row.unwrap();
            if let Ok(draft) = interpreter.interpret(&row) {
                assert!(draft.amount.minor() > 0, "round {round}");
            }
        }
    }
}

/// Xorshift: the mutations only have to be many and the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        const PIECES: [&[u8]; 12] = [
            b"\"",
            b",",
            b"\n",
            b"\r",
            b";",
            b"-",
            b"(",
            b"\xc3",
            "é".as_bytes(),
            "\u{1f}".as_bytes(),
            b"99999999",
            b":",
        ];
        let at = self.below(bytes.len() + 1);
        match self.below(4) {
            0 if at < bytes.len() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
            1 => bytes.truncate(at),
            2 => bytes.splice(at..at, PIECES[self.below(PIECES.len())].iter().copied()).for_each(drop),
            _ => {
                let end = (at + self.below(20)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
    }
}
