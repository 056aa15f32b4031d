/** What the tests share: engines, a real server, and stores of an app. */
package app.outlay

import java.nio.file.Files
import java.nio.file.Path
import java.time.LocalDate
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.io.path.Path
import kotlin.io.path.deleteRecursively
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.test.TestResult
import kotlinx.coroutines.test.runTest

const val PASSWORD = "correct horse battery"

val EUR = Currency("EUR")

/** How long a test waits for what must come. */
val PATIENCE = 30.seconds

fun euros(amount: String) = Money(amount, "EUR")

fun day(text: String): LocalDate = LocalDate.parse(text)

/** A test with an engine in memory and a ledger in euros. */
fun withHome(test: suspend (engine: Engine, home: LedgerId) -> Unit): TestResult = runTest {
    Engine.inMemory().use { engine -> test(engine, engine.createLedger("Home", EUR).id) }
}

suspend fun Engine.all(ledger: LedgerId, filter: Filter = Filter(), sort: Sort = Sort.NEWEST, pageSize: Int = 200) =
    expenses(ledger, filter, sort, pageSize).toList()

/** A real server, which is a process of its own and ends with the tests. */
object Server {
    val url: String by lazy { start() }

    private fun start(): String {
        val data = Files.createTempDirectory("outlay-server")
        // Passwords are hashed as little as a server allows: it is not them that is tested.
        val process = ProcessBuilder(
            System.getenv("OUTLAY_SERVER"), "serve", "--dev", "--listen", "127.0.0.1:0", "--log", "error",
            "--data", data.toString(), "--password-hash-memory-kib", "64", "--password-hash-passes-count", "1",
        ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        Runtime.getRuntime().addShutdownHook(Thread {
            process.destroy()
            if (!process.waitFor(10, SECONDS)) process.destroyForcibly().waitFor()
            @OptIn(kotlin.io.path.ExperimentalPathApi::class)
            data.deleteRecursively()
        })
        val line = process.inputReader().readLine()
        check(line.startsWith("listening on ")) { line }
        return line.removePrefix("listening on ")
    }
}

/** Engines on files, each signed up or in with the address that it is named by. */
class People(private val folder: Path) : AutoCloseable {
    private val made = mutableListOf<Engine>()
    private val place = folder.fileName.toString()

    suspend fun device(name: String): Engine {
        val engine = Engine.open(folder.resolve("${made.size}.outlay"))
        made += engine
        val (email, device) = "$name-$place@example.org" to "device ${made.size}"
        try {
            engine.signUp(Server.url, email, PASSWORD, name = name, deviceName = device)
        } catch (_: OutlayException.InvalidInput) {
            engine.signIn(Server.url, email, PASSWORD, deviceName = device)
        }
        return engine
    }

    override fun close() = made.forEach(Engine::close)
}

fun withPeople(folder: Path, test: suspend (People) -> Unit): TestResult = runTest {
    People(folder).use { test(it) }
}

/** A key store in memory that can be locked. */
class Keys(var secret: ByteArray? = null) : KeyStore {
    var isLocked = false

    override fun load(): ByteArray? {
        if (isLocked) throw SecurityException("the phone is locked")
        return secret
    }

    override fun save(secret: ByteArray) {
        this.secret = this.secret ?: secret
    }

    override fun replace(secret: ByteArray) {
        this.secret = secret
    }
}

/** Tokens in memory. */
class Tokens : TokenStore {
    var kept: String? = null

    override fun load(): String? = kept

    override fun save(tokens: String?) {
        kept = tokens
    }
}

/** The repository. */
val ROOT: Path = Path("../..").toAbsolutePath().normalize()
