package app.outlay

import java.nio.file.Path

suspend fun quickStart(path: Path) {
    // README
    Engine.open(path).use { engine ->
        val home = engine.ensureDefaultLedger()
        engine.addExpense(home.id, entry(Money("12.50", "EUR"), "Corner Café", category = named("Food", "Snacks")))
        engine.expenses(home.id).collect { println("${it.date} ${it.amount} ${it.payee}") }
    }
    // END
}
