package app.outlay

import java.time.YearMonth
import kotlin.io.path.readText
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** The vectors that every language checks: ids, records and sums of one ledger. */
class VectorsTest {
    private val vectors = ROOT.resolve("bindings/vectors")

    @Test
    fun `the ledger of the vectors reads as they say`() = withHome { engine, _ ->
        val expected = Json.parse(vectors.resolve("household.json").readText())
        val ledger = engine.importFile(vectors.resolve("household.jsonl")).ledger!!
        val listed = engine.all(ledger, sort = Sort.OLDEST) + engine.all(ledger, Filter(deleted = true), Sort.OLDEST)
        val shown = mapOf(
            "ledger" to ledger.hex,
            "heads" to engine.heads(ledger).map { it.hex },
            "expenses" to listed.map(::expense),
            "totals" to engine.totals(ledger, YearMonth.of(2026, 10), YearMonth.of(2026, 11)).map(::total),
            "conflicts" to engine.conflicts(ledger).map(::conflict),
        )
        assertEquals(expected, shown)
    }

    private fun expense(shown: Expense) = mapOf(
        "id" to shown.id.hex,
        "kind" to shown.kind!!.name.lowercase(),
        "amount" to shown.amount.toString(),
        "payee" to shown.payee,
        "category" to shown.category?.name,
        "account" to shown.account?.name,
        "to_account" to shown.toAccount?.name,
        "date" to shown.date.toString(),
        "time" to shown.time?.toString(),
        "note" to shown.note,
        "tags" to shown.tags,
        "deleted" to shown.deleted,
        "conflicted" to shown.conflicted,
    )

    private fun total(shown: Total) = mapOf(
        "month" to shown.month.toString(),
        "category" to shown.category?.name,
        "spent" to shown.spent.toString(),
        "earned" to shown.earned.toString(),
        "count" to shown.count.toLong(),
    )

    private fun conflict(shown: Conflict) = mapOf(
        "document" to shown.document.hex,
        "field" to shown.field,
        "values" to shown.values.map { it.value.text },
    )
}

/** As much of JSON as the vectors have: everything but numbers with a point. */
private class Json private constructor(private val text: String) {
    private var at = 0

    private fun value(): Any? = when (peek()) {
        '{' -> list('}') { string().also { skip(':') } to value() }.toMap()
        '[' -> list(']') { value() }
        '"' -> string()
        't' -> true.also { at += 4 }
        'f' -> false.also { at += 5 }
        'n' -> null.also { at += 4 }
        else -> number()
    }

    private fun <T> list(end: Char, item: () -> T): List<T> = buildList {
        at += 1
        while (peek() != end) {
            add(item())
            if (peek() == ',') at += 1
        }
        at += 1
    }

    private fun string(): String = buildString {
        skip('"')
        while (text[at] != '"') {
            if (text[at] != '\\') {
                append(text[at++])
                continue
            }
            at += 1
            append(if (text[at] == 'n') '\n' else text[at])
            at += 1
        }
        at += 1
    }

    private fun number(): Long {
        val from = at
        while (text[at] in "-0123456789") at += 1
        return text.substring(from, at).toLong()
    }

    private fun skip(char: Char) {
        check(peek() == char) { "$char at $at" }
        at += 1
    }

    private fun peek(): Char {
        while (text[at].isWhitespace()) at += 1
        return text[at]
    }

    companion object {
        fun parse(text: String): Any? = Json(text).value()
    }
}
