package app.outlay

import app.outlay.ffi.CommitmentAmount
import app.outlay.ffi.Expectation
import app.outlay.ffi.ForecastTarget
import app.outlay.ffi.OddReason
import app.outlay.ffi.Phases
import app.outlay.ffi.Seller
import java.time.LocalDate
import kotlin.io.path.readText
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.TestResult
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** Insights of the household that every language tells in the same words, and what a person says of them. */
class InsightsTest {
    private val options = InsightOptions(today = day("2024-12-20"))

    private fun withHousehold(test: suspend (engine: Engine, home: LedgerId) -> Unit): TestResult = withHome { engine, home ->
        assertEquals(632uL, engine.importFile(ROOT.resolve("bindings/vectors/insights.csv")).added)
        test(engine, home)
    }

    private suspend fun Engine.commitment(ledger: LedgerId, name: String): Commitment =
        insights(ledger, options).commitments.single { it.name == name }

    @Test
    fun `the household is told as it is written down`() = withHousehold { engine, home ->
        val dates = engine.all(home).associate { it.id to it.date }
        val golden = ROOT.resolve("core/testkit/golden/insights.txt").readText()
        assertEquals(golden, engine.insights(home, options).told(dates))
    }

    private fun Insights.told(dates: Map<DocumentId, LocalDate>): String = buildList {
        add("$today: $entries entries, the last of $lastEntry")
        for (one in commitments) {
            add(one.text.joinToString(" "))
            add(one.payments.joinToString(" ", "  paid ") { "${it.date}" })
        }
        odd.forEach { odd -> addAll(odd.oddities.map { it.text }) }
        for (trip in trips) {
            add(trip.text)
            add(trip.entries.joinToString(" ", "  paid ") { "${dates[it]}" })
        }
        currencies.forEach { addAll(it.told()) }
    }.joinToString("") { "$it\n" }

    private fun CurrencyInsights.told(): List<String> = buildList {
        add("In $currency")
        months.forEach { add("  ${it.month}: ${it.spent} in ${it.count}") }
        // Categories are in the order of their ids, which are others each time.
        forecasts.sortedBy { it.usualText }.forEach { addAll(listOf(it.usualText, it.monthEndText)) }
        addAll(phasesText)
        (phases as? Phases.Different)?.phases?.forEach { add(it.months.joinToString(" ", "  ")) }
        prices.forEach { add(it.text) }
        rhythm.forEach { add(it.text) }
    }

    @Test
    fun `an app can word the facts in its own language`() = withHousehold { engine, home ->
        val found = engine.insights(home, options)
        val rent = found.commitments.single { it.name == "Landlord" }
        val often = mapOf(Cadence.MONTHLY to "im Monat", Cadence.YEARLY to "im Jahr")
        val costs = rent.amount as CommitmentAmount.Fixed
        assertEquals("Landlord: 1050.00 EUR im Monat ab 2025-01-01", "${rent.name}: ${costs.amount} ${often[rent.cadence]} ab ${rent.next}")
        assertEquals(euros("700") to euros("1050"), rent.priceChanges.single().let { it.before to it.after })
        assertEquals("Home:Rent", rent.category?.name)
        assertEquals(listOf(day("2024-09-15")), found.commitments.single { it.name == "Stadtwerke" }.missed)
        val power = found.commitments.single { it.name == "Stadtwerke" }.amount as CommitmentAmount.Varying
        assertTrue(power.low < power.typical && power.typical < power.high)

        val twice = found.odd.single { it.payee == "Bookshop" }.oddities.single().reason as OddReason.Duplicate
        assertEquals(day("2024-10-08") to 1, engine.expense(home, twice.earlier)!!.date to twice.days.toInt())
        val large = found.odd.single { it.payee == "Corner Café" }.oddities.single().reason as OddReason.Amount
        assertEquals(euros("3.61") to Among.PAYEE, large.usual to large.among)
        assertEquals(listOf("239.00 EUR", "1250 JPY"), found.trips.single().spent.map { "$it" })

        val (euro, yen) = found.currencies
        val total = euro.forecasts.first()
        assertEquals(ForecastTarget.Total, total.target)
        assertEquals(Expectation.Point(euros("2322.03"), euros("2066.51"), euros("2577.55")), total.monthEnd)
        assertEquals(Expectation.NotEnough(3uL, 10uL), yen.forecasts.first().usual)
        val phases = euro.phases as Phases.Different
        assertEquals(phases.phases.last().months.first(), phases.change?.begun)
        val food = phases.phases.last().differences.first()
        assertEquals(Triple("Children", euros("310"), euros("0")), Triple(food.category?.name, food.usual, food.otherwise))
        assertFalse(phases.phases.last().isNotedDifferently)
        val tram = euro.prices.single { it.seller == Seller.Payee("Tram") }
        assertEquals(listOf(euros("2.80"), euros("5.60"), euros("19")), tram.amounts.also { assertTrue(tram.isUsual) })
        val landlord = euro.rhythm.single { it.seller == Seller.Payee("Landlord") }
        assertEquals(Pace.WITHIN_A_MONTH to true, landlord.pace to (landlord.isLarge && landlord.amount > euro.typical!!))
    }

    @Test
    fun `options leave out categories and say what counts as travelling`() = withHousehold { engine, home ->
        val rent = engine.findCategory(home, "Home")!!
        val found = engine.insights(home, options.copy(leftOut = listOf(rent.id), travel = Travel(tags = listOf("trip"))))
        assertEquals(emptyList<Trip>(), found.trips)
        assertTrue(found.currencies.flatMap { it.forecasts }.none { it.target == ForecastTarget.Category(rent) })
    }

    @Test
    fun `what is decided of a payment holds until it is taken back`() = withHousehold { engine, home ->
        val early = options.copy(today = day("2024-12-02"))
        val phone = engine.commitment(home, "Telephone")
        engine.decide(home, phone, Decision.CONFIRMED)
        assertEquals(listOf(Decided(phone.payments.last().id, Decision.CONFIRMED)), engine.decisions(home))
        val due = engine.insights(home, early).currencies.first().forecasts.first().due.single()
        assertEquals(Triple(phone.id, day("2024-12-18"), euros("18")), Triple(due.commitment, due.date, due.amount))
        engine.decide(home, phone.payments.first().id, Decision.DISMISSED)
        assertEquals(Standing.CONFIRMED, engine.commitment(home, "Telephone").standing)
        engine.decide(home, phone, null)
        assertEquals(Standing.FOUND, engine.commitment(home, "Telephone").standing)
        assertEquals(emptyList<Decided>(), engine.decisions(home))
    }

    @Test
    fun `a category is suggested where it is certain`() = withHousehold { engine, home ->
        val tram = engine.suggest(home, entry(euros("2.80"), "Tram"))!!
        assertEquals("Transport" to "Transport, as you filed the like before", tram.category.name to tram.text)
        assertTrue(tram.confidence in 0.5..1.0 && !tram.isCorrected)
        engine.forgetInsights()
        assertEquals(tram, engine.suggest(home, entry(euros("2.80"), "Tram")))
        assertNull(engine.suggest(home, entry(euros("2.80"), "Zzyzx")))
    }

    @Test
    fun `progress is told, and what it throws is thrown`() = withHousehold { engine, home ->
        assertThrows<IllegalStateException> { engine.insights(home, options) { error("a bug of the app") } }
        val steps = mutableListOf<InsightProgress>()
        val found = engine.insights(home, options) { steps += it }
        assertEquals(631uL, found.entries)
        assertEquals(steps.sortedBy { it.done }, steps)
        assertEquals(steps.last().total, steps.last().done)
        assertThrows<OutlayException.NotFound> { engine.insights(LedgerId("ab".repeat(16))) }
    }

    @Test
    fun `a call ends when its coroutine is cancelled, and a later one goes on`() = withHousehold { engine, home ->
        val begun = CompletableDeferred<Unit>()
        val call = CoroutineScope(Dispatchers.Default).launch {
            // Without end, if the call did not hear of the cancellation.
            untilCancelled { cancel ->
                while (true) engine.native.insights(home, options, null, cancel).also { begun.complete(Unit) }
            }
        }
        begun.await()
        call.cancelAndJoin()
        assertTrue(call.isCancelled)
        assertEquals(631uL, engine.insights(home, options).entries)
    }
}
