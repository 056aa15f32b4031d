//! What columns are called in English, German, French, Spanish, Italian, Dutch and Portuguese.
//!
//! Names stand as [`Title`](super::header::Title) reduces them: lower case, no accents, no punctuation. In each list
//! the names that say it more surely come first; a file that has two of them gets the earlier one.

use super::Field;

/// How surely a column's name means a field: the smaller the surer; `None` if it does not.
pub(super) fn rank(field: Field, words: &str) -> Option<usize> {
    list(field).iter().position(|name| *name == words)
}

/// Whether a column's name means anything at all.
pub(super) fn is_known(words: &str) -> bool {
    FIELDS.iter().any(|field| rank(*field, words).is_some()) || DESCRIPTION.contains(&words) || NEVER.contains(&words)
}

/// How surely a column is a description: text about the payment rather than the payee's name.
pub(super) fn description_rank(words: &str) -> Option<usize> {
    DESCRIPTION.iter().position(|name| *name == words)
}

/// Whether a column must not be taken for anything by its content.
pub(super) fn is_excluded(words: &str) -> bool {
    NEVER.contains(&words)
}

fn list(field: Field) -> &'static [&'static str] {
    match field {
        Field::Date => DATE,
        Field::Time => TIME,
        Field::Amount => AMOUNT,
        Field::Debit => DEBIT,
        Field::Credit => CREDIT,
        Field::Kind => KIND,
        Field::Currency => CURRENCY,
        Field::Payee => PAYEE,
        Field::Note => NOTE,
        Field::Account => ACCOUNT,
        Field::ToAccount => TO_ACCOUNT,
        Field::Category => CATEGORY,
        Field::Subcategory => SUBCATEGORY,
        Field::Tags => TAGS,
        Field::ExternalId => EXTERNAL_ID,
    }
}

/// In the order in which columns are given to them.
pub(super) const FIELDS: [Field; Field::COUNT] = [
    Field::Date,
    Field::Time,
    Field::Amount,
    Field::Debit,
    Field::Credit,
    Field::Kind,
    Field::Currency,
    Field::ToAccount,
    Field::Account,
    Field::Subcategory,
    Field::Category,
    Field::Tags,
    Field::ExternalId,
    Field::Payee,
    Field::Note,
];

/// The day of the purchase before the day of booking before the value date.
#[rustfmt::skip]
const DATE: &[&str] = &[
    "date", "transaction date", "trans date", "date of transaction", "purchase date", "date time", "date and time",
    "datetime", "transaction date time", "booking date", "posting date", "posted date", "post date", "date posted",
    "started date", "completed date", "date completed", "timestamp", "day", "created", "created at", "created on",
    "datum", "transaktionsdatum", "umsatzdatum", "belegdatum", "kaufdatum", "buchungstag", "buchungsdatum", "buchung",
    "tag", "datum uhrzeit",
    "date operation", "date d operation", "date de l operation", "date de transaction", "date transaction",
    "date d achat", "date comptable", "date de comptabilisation", "date ecriture",
    "fecha", "fecha operacion", "fecha de operacion", "fecha de la operacion", "fecha transaccion",
    "fecha de transaccion", "f operacion", "fecha contable", "fecha movimiento", "fecha y hora",
    "data", "data operazione", "data transazione", "data movimento", "data contabile", "data registrazione",
    "data e ora",
    "transactiedatum", "datum transactie", "boekdatum", "boekingsdatum",
    "data do movimento", "data mov", "data operacao", "data da operacao", "data transacao", "data da transacao",
    "data lancamento", "data do lancamento", "data de lancamento", "data e hora",
    "value date", "valuta", "valutadatum", "wertstellung", "wertstellungsdatum", "date valeur", "date de valeur",
    "fecha valor", "f valor", "data valuta", "rentedatum", "data valor", "data do valor",
];

#[rustfmt::skip]
const TIME: &[&str] = &[
    "time", "transaction time", "time of day", "uhrzeit", "zeit", "heure", "hora", "ora", "orario", "tijd", "tijdstip",
];

#[rustfmt::skip]
const AMOUNT: &[&str] = &[
    "amount", "transaction amount", "net amount", "amount paid", "total amount", "value", "total", "sum", "price",
    "cost", "spent", "gross",
    "betrag", "umsatz", "buchungsbetrag", "zahlungsbetrag", "summe", "wert", "preis", "kosten",
    "montant", "montant de l operation", "montant operation", "somme", "valeur", "prix",
    "importe", "importe de la operacion", "cantidad", "monto", "valor", "suma", "precio",
    "importo", "importo operazione", "ammontare", "somma", "totale", "prezzo",
    "bedrag", "transactiebedrag", "totaal", "prijs",
    "montante", "quantia", "importancia", "quantidade", "valor da transacao", "preco",
];

#[rustfmt::skip]
const DEBIT: &[&str] = &[
    "debit", "debits", "debit amount", "expense amount", "withdrawal", "withdrawals", "withdrawal amount",
    "withdrawal amt", "money out",
    "paid out", "outflow", "out", "spending", "expense", "expenses", "payments",
    "soll", "belastung", "lastschrift", "ausgang", "ausgabe", "ausgaben", "abgang",
    "montant debit", "depense", "depenses", "sortie",
    "cargo", "cargos", "debe", "debito", "debitos", "gasto", "gastos", "salida", "retiro", "retiros",
    "addebito", "addebiti", "dare", "uscita", "uscite", "spesa", "spese",
    "af", "uitgave", "uitgaven", "uit",
    "saida", "saidas", "despesa", "despesas", "levantamento",
];

#[rustfmt::skip]
const CREDIT: &[&str] = &[
    "credit", "credits", "credit amount", "income amount", "deposit", "deposits", "deposit amount", "deposit amt",
    "money in", "paid in",
    "inflow", "in", "income", "receipts",
    "haben", "gutschrift", "eingang", "einnahme", "einnahmen", "zugang",
    "montant credit", "recette", "recettes", "revenu", "revenus", "entree",
    "abono", "abonos", "haber", "credito", "creditos", "ingreso", "ingresos", "entrada", "deposito", "depositos",
    "accredito", "accrediti", "avere", "entrata", "entrate",
    "bij", "inkomst", "inkomsten",
    "entradas", "receita", "receitas",
];

/// Taken only if what is in the column are such words; a bank's `Type` is often something else.
#[rustfmt::skip]
const KIND: &[&str] = &[
    "income expense", "expense income", "income or expense", "kind", "type", "transaction type", "transaction kind",
    "entry type", "record type", "debit credit", "credit debit", "debit or credit", "dr cr", "cr dr", "d c", "c d",
    "direction", "flow", "indicator", "credit debit indicator", "in out",
    "art", "typ", "buchungsart", "umsatzart", "transaktionsart", "transaktionstyp", "soll haben", "s h",
    "einnahme ausgabe", "ausgabe einnahme", "einnahmen ausgaben", "ein ausgabe",
    "type d operation", "type de transaction", "type operation", "sens", "nature", "depense revenu",
    "tipo", "tipo de movimiento", "tipo de transaccion", "tipo de operacion", "ingreso gasto", "gasto ingreso",
    "tipo movimento", "tipo operazione", "tipo transazione", "entrata uscita", "segno", "dare avere",
    "af bij", "bij af", "soort", "type transactie", "mutatiesoort", "debet credit",
    "tipo de transacao", "tipo transacao", "receita despesa", "despesa receita", "debito credito", "entrada saida",
];

#[rustfmt::skip]
const CURRENCY: &[&str] = &[
    "currency", "currency code", "transaction currency", "account currency", "ccy", "curr",
    "wahrung", "waehrung", "wahrungscode", "kontowahrung", "devise", "monnaie", "moneda", "divisa", "valuta",
    "muntsoort", "munt",
    "moeda", "cur", "iso",
];

/// A name before a description; [`DESCRIPTION`] stands in where none of these is there.
#[rustfmt::skip]
const PAYEE: &[&str] = &[
    "payee", "merchant", "merchant name", "payee name", "counterparty", "counterparty name", "vendor", "shop", "store",
    "recipient", "beneficiary", "payer", "payee payer", "name", "title", "to from", "from to",
    "empfanger", "empfaenger", "zahlungsempfanger", "zahlungsempfaenger", "auftraggeber empfanger",
    "empfanger auftraggeber", "auftraggeber",
    "beguenstigter zahlungspflichtiger", "begunstigter zahlungspflichtiger", "begunstigter", "zahlungspflichtiger",
    "name zahlungsbeteiligter", "zahlungsbeteiligter", "auftraggeber begunstigter", "begunstigter auftraggeber",
    "zahlungspflichtige r", "zahlungsempfanger in", "zahler", "handler", "partner", "partner name", "gegenpartei",
    "beneficiaire", "tiers", "marchand", "commercant", "destinataire", "nom", "contrepartie", "fournisseur",
    "beneficiario", "comercio", "ordenante", "ordenante beneficiario", "destinatario", "nombre", "establecimiento",
    "esercente", "ordinante", "nome", "controparte",
    "begunstigde", "naam", "naam omschrijving", "naam tegenpartij", "tegenpartij", "winkel", "ontvanger",
    "estabelecimento", "comerciante", "fornecedor",
];

/// Text about the payment: what the bank writes first, what a person writes (`note`) is [`NOTE`].
#[rustfmt::skip]
const DESCRIPTION: &[&str] = &[
    "description", "transaction description", "narrative", "narration", "particulars", "details", "transaction details",
    "transaction", "statement description", "extended description", "original description", "item", "what", "text",
    "purpose", "reference", "payment reference", "transaction remarks",
    "verwendungszweck", "beschreibung", "buchungstext", "vorgang", "vorgang verwendungszweck", "bezeichnung", "zweck",
    "umsatztext", "betreff", "referenz", "buchungsdetails",
    "libelle", "libelle operation", "libelle de l operation", "libelle simplifie", "intitule", "designation", "motif",
    "objet", "reference operation",
    "concepto", "descripcion", "detalle", "detalles", "concepto ampliado", "movimiento", "referencia",
    "descrizione", "descrizione operazione", "causale", "operazione", "dettagli", "descrizione estesa", "riferimento",
    "omschrijving", "mededelingen", "mededeling", "omschrijving 1", "kenmerk",
    "descricao", "descritivo", "descricao do movimento", "historico", "detalhe", "detalhes",
];

#[rustfmt::skip]
const NOTE: &[&str] = &[
    "note", "notes", "comment", "comments", "memo", "remark", "remarks", "annotation",
    "notiz", "notizen", "bemerkung", "bemerkungen", "kommentar", "anmerkung",
    "commentaire", "commentaires", "remarque", "nota", "notas", "comentario", "comentarios", "observaciones",
    "commento", "commenti", "osservazioni",
    "notitie", "notities", "opmerking", "opmerkingen",
    "observacao", "observacoes", "anotacao",
];

#[rustfmt::skip]
const ACCOUNT: &[&str] = &[
    "account", "account name", "from account", "source account", "wallet", "wallet name", "paid with", "paid from",
    "payment account", "bank account", "mode", "payment mode", "mode of payment", "payment method", "card",
    "konto", "kontoname", "von konto", "quellkonto", "bankkonto", "geldborse", "zahlungsmittel", "karte",
    "auftragskonto",
    "compte", "nom du compte", "moyen de paiement", "portefeuille", "carte",
    "cuenta", "nombre de cuenta", "cuenta origen", "cartera", "medio de pago", "metodo de pago", "tarjeta",
    "conto", "nome conto", "portafoglio", "metodo di pagamento", "carta",
    "rekening", "rekeningnaam", "van rekening", "portemonnee", "betaalmethode",
    "conta", "nome da conta", "carteira", "conta de origem", "metodo de pagamento", "forma de pagamento", "cartao",
];

#[rustfmt::skip]
const TO_ACCOUNT: &[&str] = &[
    "to account", "account to", "transfer account", "transfer to", "destination account", "target account",
    "to wallet", "to",
    "zielkonto", "auf konto", "nach konto", "umbuchungskonto", "vers compte", "compte destination",
    "compte de destination", "cuenta destino", "cuenta de destino", "a cuenta", "conto destinazione",
    "conto di destinazione", "al conto", "naar rekening", "doelrekening", "conta destino", "conta de destino",
];

#[rustfmt::skip]
const CATEGORY: &[&str] = &[
    "category", "category name", "categories", "main category", "parent category", "group", "budget",
    "kategorie", "hauptkategorie", "oberkategorie", "rubrik", "kategorien",
    "categorie", "rubrique", "poste", "categoria", "categorias", "rubro", "hoofdcategorie", "rubriek",
    "categoria principal", "categoria principale",
];

#[rustfmt::skip]
const SUBCATEGORY: &[&str] = &[
    "subcategory", "sub category", "subcategory name", "subcat", "child category",
    "unterkategorie", "sous categorie", "subcategoria", "sub categoria", "sottocategoria", "subcategorie",
    "sub categorie",
];

#[rustfmt::skip]
const TAGS: &[&str] = &[
    "tags", "tag", "labels", "label", "hashtags", "schlagworte", "schlagworter", "stichworte", "etiketten",
    "etiquettes",
    "mots cles", "etiqueta", "etiquetas", "etichetta", "etichette", "trefwoorden",
];

#[rustfmt::skip]
const EXTERNAL_ID: &[&str] = &[
    "transaction id", "id", "uuid", "transaction number", "transaction reference", "reference number", "ref no",
    "transaktions id", "transaktionsnummer", "buchungsnummer", "kundenreferenz", "numero d operation",
    "identifiant", "id transaccion", "numero de operacion", "id transazione", "transactie id", "id da transacao",
];

/// Columns of numbers and text that a look at their content could take for an amount, a date or a payee.
#[rustfmt::skip]
const NEVER: &[&str] = &[
    "balance", "running balance", "account balance", "balance after", "closing balance", "available balance",
    "saldo", "running bal", "kontostand", "saldo nach buchung", "solde", "solde apres operation", "saldo disponible",
    "saldo disponibile", "saldo na mutatie", "saldo contabile", "saldo contabilistico",
    "no", "nr", "number", "account number", "kontonummer", "iban", "bic", "iban kontonummer", "bankleitzahl", "blz",
    "kontonummer iban", "bic swift code", "sort code", "routing number", "check number", "cheque number", "check no",
    "card number", "card no", "tegenrekening", "rekeningnummer", "numero de cuenta", "numero de compte",
    "glaubiger id", "mandatsreferenz", "status", "state", "fee", "fees", "exchange rate", "rate", "wechselkurs",
    "quantity", "mcc", "original amount", "foreign amount", "fremdwahrungsbetrag",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::csv::header::plain_words;

    #[test]
    fn names_stand_as_a_header_is_reduced() {
        let lists = FIELDS.iter().map(|field| list(*field)).chain([DESCRIPTION, NEVER]);
        for list in lists {
            for name in list {
                assert_eq!(&plain_words(name), name);
            }
        }
        assert_eq!(rank(Field::Date, "date"), Some(0));
        assert!(rank(Field::Date, "booking date") < rank(Field::Date, "value date"));
        assert!(is_known("verwendungszweck") && is_known("saldo") && !is_known("30"));
    }

    #[test]
    fn every_field_has_its_names() {
        let mut fields = FIELDS.to_vec();
        fields.sort_unstable();
        fields.dedup();
        assert_eq!(fields.len(), Field::COUNT);
        assert!(FIELDS.iter().all(|field| !list(*field).is_empty()));
    }
}
