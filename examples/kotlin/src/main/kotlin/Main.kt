import app.outlay.Engine
import app.outlay.Expense
import app.outlay.LedgerId
import app.outlay.Money
import app.outlay.OutlayException
import app.outlay.account
import app.outlay.entry
import app.outlay.signIn
import app.outlay.signUp
import app.outlay.syncOnce
import app.outlay.text
import java.nio.file.Path
import kotlin.system.exitProcess
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

const val HELP = """add 12.50 EUR PAYEE     records an expense
edit NUMBER PAYEE       changes who was paid
sync SERVER EMAIL       signs in or up, by the password in OUTLAY_PASSWORD, and syncs; later just: sync
conflicts               what collided
choose NUMBER           settles the first conflict by one of its values
quit"""

suspend fun main(arguments: Array<String>) {
    val path = arguments.singleOrNull() ?: run {
        System.err.println("usage: outlay-kotlin DATABASE\n$HELP")
        exitProcess(2)
    }
    Engine.open(Path.of(path)).use { engine -> Terminal(engine).run() }
}

/** Expenses on a terminal: commands come line by line, and the list is printed whenever it changes. */
class Terminal(private val engine: Engine) {
    @Volatile
    private var shown: List<Expense> = emptyList()
    private var watch: Job? = null

    suspend fun run() = coroutineScope {
        watch(this)
        while (true) {
            val line = withContext(Dispatchers.IO) { readlnOrNull() } ?: break
            if (line == "quit") break
            try {
                command(line.split(' '))
            } catch (error: OutlayException) {
                println("failed: ${error.message}")
            } catch (error: IllegalArgumentException) {
                println("failed: ${error.message}")
            } catch (_: IndexOutOfBoundsException) {
                println(HELP)
            }
            watch(this)
        }
        watch?.cancel()
    }

    private suspend fun command(words: List<String>) {
        when (words.first()) {
            "add" -> engine.addExpense(
                engine.ensureDefaultLedger().id, entry(Money(words[1], words[2]), words.drop(3).joinToString(" ")),
            )
            "edit" -> shown[words[1].toInt() - 1].let { entry ->
                engine.editExpense(entry.ledger, entry.id) { payee = words.drop(2).joinToString(" ") }
            }
            "sync" -> sync(words.drop(1))
            "conflicts" -> for (conflict in engine.conflicts(ledger() ?: return)) {
                val values = conflict.values.mapIndexed { place, value -> "${place + 1} ${value.value.text}" }
                println("conflict of ${conflict.field}: ${values.joinToString(" | ")}")
            }
            "choose" -> {
                val conflict = engine.conflicts(ledger() ?: return).firstOrNull() ?: return println("nothing collided")
                engine.resolve(conflict, conflict.values[words[1].toInt() - 1])
                println("settled")
            }
            else -> println(HELP)
        }
    }

    private suspend fun sync(where: List<String>) {
        if (engine.account() == null) {
            val (server, email) = where
            val password = System.getenv("OUTLAY_PASSWORD").orEmpty()
            try {
                engine.signIn(server, email, password, deviceName = "terminal")
            } catch (_: OutlayException.Forbidden) {
                engine.signUp(server, email, password, deviceName = "terminal")
            }
        }
        val report = engine.syncOnce()
        println("synced: ${report.pushed} up, ${report.pulled} down")
    }

    /** Prints the list whenever it changes, as soon as there is a ledger. */
    private suspend fun watch(scope: CoroutineScope) {
        val ledger = ledger()
        if (watch != null || ledger == null) return
        watch = scope.launch {
            engine.live(ledger).collect { expenses ->
                shown = expenses
                println("${expenses.size} entries")
                expenses.forEachIndexed { place, entry ->
                    val mark = if (entry.conflicted) " (conflict)" else ""
                    println("${place + 1} ${entry.date} ${entry.amount} ${entry.payee}$mark")
                }
            }
        }
    }

    private suspend fun ledger(): LedgerId? = (engine.defaultLedger() ?: engine.ledgers().firstOrNull())?.id
}
