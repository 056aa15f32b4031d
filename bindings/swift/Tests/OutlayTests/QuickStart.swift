import Outlay

func quickStart(_ path: String) async throws {
    // README
    let engine = try await Engine.open(path)
    let home = try await engine.ensureDefaultLedger()
    let price = try Money("12.50", "EUR")
    try await engine.addExpense(NewExpense(price, "Corner Café", category: .named("Food", "Snacks")), to: home.id)
    for try await expense in engine.expenses(in: home.id) {
        print(expense.date, expense.amount?.description ?? "", expense.payee)
    }
    // END
}
