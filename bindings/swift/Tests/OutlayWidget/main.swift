import Outlay

// What a widget's process does: OutlayWidget DATABASE LEDGER.
let arguments = CommandLine.arguments
let paid = try NewExpense(Money("3.40", "EUR"), "Widget")
_ = try Engine.quickAdd(paid, path: arguments[1], to: LedgerId(hex: arguments[2]))
