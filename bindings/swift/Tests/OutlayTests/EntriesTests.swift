import Foundation
import Outlay
import Testing

@Suite("Ledgers and entries on one device")
struct EntriesTests {
    @Test("what is added is what is read")
    func whatIsAddedIsWhatIsRead() async throws {
        let (engine, home) = try await home()
        let new = NewExpense(
            try euros("12.50"), "Corner Café", category: .named("Food", "Snacks"), account: .named("Card"),
            date: CalendarDate("2026-11-02"), time: TimeOfDay(hour: 18, minute: 5), note: "two\nlines", tags: ["work"])
        let lunch = try await engine.addExpense(new, to: home)
        #expect(try await engine.expense(lunch.id, in: home) == lunch)
        #expect(try await engine.findExpense(lunch.id) == lunch)
        #expect(try lunch.amount == euros("12.5"))
        #expect(lunch.amount?.description == "12.50 EUR")
        #expect(lunch.date == CalendarDate(year: 2026, month: 11, day: 2))
        #expect(lunch.time == TimeOfDay("18:05"))
        #expect(lunch.category?.name == "Food:Snacks")
        #expect(try await engine.findCategory("food", "SNACKS", in: home) == lunch.category)
        #expect(try await engine.findAccount("card", in: home) == lunch.account)
        #expect(try await engine.accounts(of: home) == [try #require(lunch.account)])
        #expect(try await engine.categories(of: home).map(\.name) == ["Food", "Food:Snacks"])
    }

    @Test("an amount is a decimal and never rounded")
    func amountsAreDecimals() async throws {
        let (engine, home) = try await home()
        let refused = try await error { try await engine.addExpense(NewExpense(euros("0.001")), to: home) }
        #expect(kind(refused) == "invalidInput")
        #expect(throws: NotAnAmount(text: "one")) { try euros("one") }
        #expect(NotAnAmount(text: "one").localizedDescription.contains("one is not"))
        #expect(throws: NotAnAmount.self) { try euros("1e2") }
        let yen = try await engine.addExpense(NewExpense(Money(1250, "JPY")), to: home)
        #expect(yen.amount?.description == "1250 JPY")
        let half = try await engine.addExpense(NewExpense(euros("12.500")), to: home)
        #expect(half.amount?.description == "12.50 EUR")
        #expect(try euros("3.40").adding(euros("1"))?.text == "4.40")
        #expect(try euros("3.40").subtracting(euros("1")) == euros("2.4"))
        #expect(try euros("3.4").hashValue == euros("3.40").hashValue)
        #expect(try -euros("1.00") == euros("-1"))
        #expect(try euros("1").adding(Money(1, "JPY")) == nil)
        #expect(try euros("1") != Money(1, "JPY"))
    }

    @Test("dates and times are civil")
    func datesAreCivil() throws {
        let utc = try #require(TimeZone(identifier: "UTC"))
        let day = CalendarDate(year: 2026, month: 3, day: 1)
        #expect(day.begins(in: utc) == Date(timeIntervalSince1970: 1_772_323_200))
        #expect(try CalendarDate(#require(day.begins(in: utc)).addingTimeInterval(86_399), in: utc) == day)
        #expect(CalendarDate(year: 2026, month: 2, day: 30).begins(in: utc) == nil)
        #expect(CalendarDate("2026-02") == nil && CalendarDate("2026-xx-01") == nil && CalendarDate("2026--1-01") == nil)
        #expect(try day > #require(CalendarDate("2026-02-28")))
        #expect(try Month(year: 2026, month: 9) < #require(Month("2026-10")))
        #expect(Month("2026") == nil && TimeOfDay("18") == nil)
        #expect(CalendarDate("26-11-02") == nil && CalendarDate("2026-1-2") == nil && TimeOfDay("7:5") == nil)
        #expect(TimeOfDay("08:00:30")?.description == "08:00:30")
        #expect(TimeOfDay(hour: 8, minute: 0) < TimeOfDay(hour: 8, minute: 0, second: 1))
    }

    @Test("an edit changes what it names")
    func editsChangeWhatTheyName() async throws {
        let (engine, home) = try await home()
        let rent = try await engine.addExpense(
            NewExpense(euros("900"), "Rent", category: .named("Flat"), time: TimeOfDay("08:00"), note: "May", tags: ["fixed"]),
            to: home)
        let refund = try await engine.addExpense(NewExpense(euros("50"), "Rent", kind: .income, refundOf: rent.id), to: home)
        #expect(refund.refundOf == rent.id)
        #expect(try await engine.editExpense(refund.id, in: home, Edit(refundOf: .clear)).refundOf == nil)
        #expect(try await engine.editExpense(refund.id, in: home, Edit(refundOf: .to(rent.id))).refundOf == rent.id)

        let edit = try Edit(amount: euros("910"), account: .to(.named("Bank")), time: .clear, tags: [])
        let edited = try await engine.editExpense(rent.id, in: home, edit)
        #expect(edited.amount?.text == "910.00" && edited.time == nil && edited.tags == [] && edited.note == "May")
        #expect(edited.category == rent.category)
        let account = try #require(edited.account)
        let moved = try await engine.editExpense(
            rent.id, in: home,
            Edit(
                payee: "", category: .clear, account: .to(.existing(account)), date: CalendarDate("2026-05-01"),
                time: .to(TimeOfDay(hour: 9, minute: 0)), note: ""))
        #expect(moved.category == nil && moved.account == account && moved.payee == "" && moved.time?.hour == 9)
        let transfer = try await engine.editExpense(
            rent.id, in: home, Edit(kind: .transfer, toAccount: .to(.named("Savings"))))
        #expect(transfer.toAccount?.name == "Savings")
    }

    @Test("pages go on where they ended and a sequence reads all")
    func pagesGoOn() async throws {
        let (engine, home) = try await home()
        for amount in 1...7 { try await engine.addExpense(NewExpense(Money(Decimal(amount), "EUR"), "Shop \(amount)"), to: home) }
        let first = try await engine.page(of: home, sort: .largest, limit: 3)
        let second = try await engine.page(of: home, sort: .largest, after: first.next, limit: 3)
        #expect((first.expenses + second.expenses).map { $0.amount?.text } == ["7.00", "6.00", "5.00", "4.00", "3.00", "2.00"])
        let all = try await engine.all(home, sort: .smallest, pageSize: 2)
        #expect(all.map(\.payee) == (1...7).map { "Shop \($0)" })
    }

    @Test("filters, search and totals")
    func filters() async throws {
        let (engine, home) = try await home()
        for (amount, payee, day) in [("3.40", "Café", 1), ("12.00", "Corner Café", 2), ("80.00", "Rent", 3)] {
            let date = CalendarDate(year: 2026, month: 11, day: day)
            try await engine.addExpense(NewExpense(euros(amount), payee, date: date), to: home)
        }
        let cheap = Filter(amountMax: try euros("5"), text: "cafe")
        #expect(try await engine.all(home, cheap).map(\.payee) == ["Café"])
        let month = Month(year: 2026, month: 11)
        let since = Filter(from: CalendarDate("2026-11-02"), month: month)
        #expect(try await engine.all(home, since).map(\.payee) == ["Rent", "Corner Café"])
        let totals = try await engine.totals(of: home, from: month, to: month)
        #expect(totals.map(\.spent.description) == ["95.40 EUR"] && totals.map(\.count) == [3])
        let wrong = try await error { try await engine.totals(of: home, from: Month(year: 2026, month: 12), to: month) }
        #expect(wrong.localizedDescription.contains("last month is before the first"))
    }

    @Test("what is deleted is in the trash until it is restored, and an undo takes the last action back")
    func deletedAndUndone() async throws {
        let (engine, home) = try await home()
        let lunch = try await engine.addExpense(NewExpense(euros("12.50"), "Corner Café"), to: home)
        #expect(try await engine.deleteExpense(lunch.id, in: home).deleted)
        #expect(try await engine.all(home, Filter(deleted: true)).map(\.id) == [lunch.id])
        #expect(try await !engine.restoreExpense(lunch.id, in: home).deleted)

        try await engine.editExpense(lunch.id, in: home, Edit(payee: "Café"))
        #expect(try await engine.undo()?.changed == 1)
        #expect(try await engine.expense(lunch.id, in: home)?.payee == "Corner Café")
        let steps = try await engine.history(of: lunch.id, in: home)
        let payees = steps.flatMap(\.changes).filter { $0.field == "payee" }.map(\.after.text)
        #expect(payees == ["Corner Café", "Café", "Corner Café"])
        #expect(steps.allSatisfy { $0.author.isSelf && $0.time > Date(timeIntervalSince1970: 1_700_000_000) })
    }

    @Test("ledgers have a default")
    func ledgersHaveADefault() async throws {
        let (engine, home) = try await home()
        #expect(try await engine.ensureDefaultLedger().id == home)
        let other = try await engine.createLedger("Trips", currency: "CHF")
        #expect(try await engine.defaultLedger()?.id == home)
        #expect(try await Set(engine.ledgers().map(\.name)) == ["Home", "Trips"])
        try await engine.setDefaultLedger(other.id)
        #expect(try await engine.ledger(other.id).isDefault)
    }
}
