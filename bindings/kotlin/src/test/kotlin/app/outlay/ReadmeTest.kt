package app.outlay

import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.nio.file.Path
import kotlin.io.path.readText
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

/** The quick start of the READMEs is what is compiled in [quickStart], and does what it says. */
class ReadmeTest {
    @TempDir
    lateinit var folder: Path

    @ParameterizedTest
    @ValueSource(strings = ["README.md", "bindings/kotlin/README.md"])
    fun `the quick start stands in the README as it is compiled`(page: String) {
        val shown = ROOT.resolve(page).readText().substringAfter("```kotlin\n").substringBefore("```")
        val source = ROOT.resolve("bindings/kotlin/src/test/kotlin/app/outlay/QuickStart.kt").readText()
        assertEquals(source.substringAfter("// README\n").substringBefore("    // END").trimIndent(), shown.trimEnd())
    }

    @Test
    fun `the quick start does what it says`() = runTest {
        val (printed, out) = ByteArrayOutputStream() to System.out
        System.setOut(PrintStream(printed, true))
        try {
            quickStart(folder.resolve("expenses.outlay"))
        } finally {
            System.setOut(out)
        }
        assertEquals("12.50 EUR Corner Café", printed.toString().trim().substringAfter(' '))
    }
}
