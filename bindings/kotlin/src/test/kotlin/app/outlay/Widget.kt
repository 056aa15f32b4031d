package app.outlay

import kotlin.io.path.Path

/** What a widget's process does. */
fun main(arguments: Array<String>) {
    val (path, ledger) = arguments
    Engine.quickAdd(Path(path), entry(euros("3.40"), "Widget"), LedgerId(ledger))
}
