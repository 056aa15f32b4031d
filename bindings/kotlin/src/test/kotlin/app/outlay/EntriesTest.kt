package app.outlay

import java.math.BigDecimal
import java.time.LocalTime
import java.time.YearMonth
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** Ledgers and entries on one device. */
class EntriesTest {
    private suspend fun Engine.spend(ledger: LedgerId, amount: String, payee: String, date: String? = null) =
        addExpense(ledger, entry(euros(amount), payee, date = date?.let(::day)))

    @Test
    fun `what is added is what is read`() = withHome { engine, home ->
        val new = entry(
            euros("12.50"), "Corner Café", category = named("Food", "Snacks"), account = named("Card"),
            date = day("2026-11-02"), time = LocalTime.of(18, 5, 0, 7), note = "two\nlines", tags = listOf("work"),
        )
        val lunch = engine.addExpense(home, new)
        assertEquals(lunch, engine.expense(home, lunch.id))
        assertEquals(lunch, engine.findExpense(lunch.id))
        assertEquals(euros("12.50"), lunch.amount)
        assertEquals(day("2026-11-02"), lunch.date)
        assertEquals(LocalTime.of(18, 5), lunch.time)
        assertEquals(listOf("work"), lunch.tags)
        assertEquals("Food:Snacks", lunch.category?.name)
        assertEquals(lunch.category, engine.findCategory(home, "food", "SNACKS"))
        assertEquals(lunch.account, engine.findAccount(home, "card"))
        assertEquals(listOf(lunch.account), engine.accounts(home))
        assertEquals(listOf("Food", "Food:Snacks"), engine.categories(home).map { it.name })
    }

    @Test
    fun `an amount is a decimal and never rounded`() = withHome { engine, home ->
        assertThrows<OutlayException.InvalidInput> { engine.spend(home, "0.001", "Nobody") }
        val written = engine.spend(home, "1E+2", "Exponents are written out")
        assertEquals("100.00 EUR", written.amount.toString())
        val half = engine.addExpense(home, entry(Money(BigDecimal("25.00") * BigDecimal("0.5"), EUR)))
        assertEquals("12.50 EUR", half.amount.toString())
        val yen = engine.addExpense(home, entry(Money(BigDecimal(1250), Currency("JPY"))))
        assertEquals("1250 JPY", yen.amount.toString())
    }

    @Test
    fun `amounts of one currency are added and compared, however they are written`() {
        assertEquals(euros("2.40"), euros("3.4") - euros("1"))
        assertEquals(euros("3.4").hashCode(), euros("3.40").hashCode())
        assertEquals(euros("4.40"), euros("3.40") + euros("1"))
        assertEquals("-1 EUR", (-euros("1")).toString())
        assertTrue(euros("10") > euros("9.99"))
        assertNotEquals(euros("1"), Money("1", "JPY"))
        assertThrows<IllegalArgumentException> { euros("1") + Money("1", "JPY") }
        assertThrows<NumberFormatException> { euros("one") }
        assertEquals("€", EUR.platform?.getSymbol(java.util.Locale.GERMANY))
        assertNull(Currency("QQQ").platform)
    }

    @Test
    fun `ids are written as their digits`() {
        val digits = "ab".repeat(16)
        val ids = listOf(LedgerId(digits), DocumentId(digits), MemberId(digits), DeviceKey(digits), CommitId(digits))
        assertTrue((ids + ActionId(digits) + BlobHash(digits) + Currency(digits)).all { it.toString() == digits })
    }

    @Test
    fun `an edit changes what it assigns and null clears`() = withHome { engine, home ->
        val rent = engine.addExpense(
            home, entry(euros("900"), "Rent", category = named("Flat"), time = LocalTime.of(8, 0), note = "May", tags = listOf("fixed")),
        )
        val refund = engine.addExpense(home, entry(euros("50"), "Rent", EntryKind.INCOME, refundOf = rent.id))
        assertEquals(rent.id, refund.refundOf)
        assertNull(engine.editExpense(home, refund.id) { refundOf = null }.refundOf)
        assertEquals(rent.id, engine.editExpense(home, refund.id) { refundOf = rent.id }.refundOf)

        val edited = engine.editExpense(home, rent.id) {
            amount = euros("910")
            account = named("Bank")
            time = null
            tags = emptyList()
            assertNull(category, "what is not assigned is not known")
        }
        assertEquals(euros("910"), edited.amount)
        assertNull(edited.time)
        assertEquals(emptyList<String>(), edited.tags)
        assertEquals("May", edited.note)
        assertEquals(rent.category, edited.category)
        val moved = engine.editExpense(home, rent.id) {
            category = null
            account = edited.account?.reference
            payee = ""
            note = ""
            date = day("2026-05-01")
            time = LocalTime.of(9, 0)
        }
        assertNull(moved.category)
        assertEquals(edited.account, moved.account)
        assertEquals("" to LocalTime.of(9, 0), moved.payee to moved.time)
        val transfer = engine.editExpense(home, rent.id) {
            kind = EntryKind.TRANSFER
            toAccount = named("Savings")
        }
        assertEquals("Savings", transfer.toAccount?.name)
    }

    @Test
    fun `pages go on where they ended and a flow reads all`() = withHome { engine, home ->
        for (amount in 1..7) engine.spend(home, "$amount", "Shop $amount")
        val first = engine.page(home, sort = Sort.LARGEST, limit = 3)
        val second = engine.page(home, sort = Sort.LARGEST, limit = 3, after = first.next)
        assertEquals((7 downTo 2).map { euros("$it") }, (first.expenses + second.expenses).map { it.amount })
        assertEquals((1..7).map { "Shop $it" }, engine.all(home, sort = Sort.SMALLEST, pageSize = 2).map { it.payee })
    }

    @Test
    fun `filters, search and totals`() = withHome { engine, home ->
        engine.spend(home, "3.40", "Café", "2026-11-01")
        engine.spend(home, "12.00", "Corner Café", "2026-11-02")
        engine.spend(home, "80.00", "Rent", "2026-11-03")
        assertEquals(listOf("Café"), engine.all(home, Filter(text = "cafe", amountMax = euros("5"))).map { it.payee })
        val month = YearMonth.of(2026, 11)
        val since = Filter(from = day("2026-11-02"), month = month)
        assertEquals(listOf("Rent", "Corner Café"), engine.all(home, since).map { it.payee })
        val total = engine.totals(home, month, month).single()
        assertEquals(Triple(euros("95.40"), euros("0"), 3uL), Triple(total.spent, total.earned, total.count))
        val wrong = assertThrows<OutlayException.InvalidInput> { engine.totals(home, month.plusMonths(1), month) }
        assertTrue("last month is before the first" in wrong.message, wrong.message)
    }

    @Test
    fun `what is deleted is in the trash until it is restored`() = withHome { engine, home ->
        val lunch = engine.spend(home, "12.50", "Corner Café")
        assertTrue(engine.deleteExpense(home, lunch.id).deleted)
        assertEquals(listOf(lunch.id), engine.all(home, Filter(deleted = true)).map { it.id })
        assertFalse(engine.restoreExpense(home, lunch.id).deleted)
    }

    @Test
    fun `an undo takes the last action back`() = withHome { engine, home ->
        val lunch = engine.spend(home, "12.50", "Corner Café")
        engine.editExpense(home, lunch.id) { payee = "Café" }
        assertEquals(1uL, engine.undo()?.changed)
        assertEquals("Corner Café", engine.expense(home, lunch.id)?.payee)
        val steps = engine.history(home, lunch.id)
        assertEquals(listOf("Corner Café", "Café", "Corner Café"), steps.flatMap { it.changes }.filter { it.field == "payee" }.map { it.after.text })
        assertTrue(steps.all { it.author.isSelf && it.time.epochSecond > 1_700_000_000 })
        engine.undo()
        assertNull(engine.undo())
    }

    @Test
    fun `ledgers have a default`() = withHome { engine, home ->
        val made = engine.ensureDefaultLedger()
        assertEquals(home, made.id)
        val other = engine.createLedger("Trips", Currency("CHF"))
        assertEquals(made, engine.defaultLedger())
        assertEquals(setOf("Home", "Trips"), engine.ledgers().map { it.name }.toSet())
        engine.setDefaultLedger(other.id)
        assertTrue(engine.ledger(other.id).isDefault)
        assertEquals("CHF", other.currency?.code)
    }
}
