import Foundation
import Outlay
import XCTest

/// The vectors that every language checks: ids, records and sums of one ledger.
final class VectorsTests: XCTestCase {
    func testTheLedgerOfTheVectorsReadsAsTheySay() async throws {
        let vectors = root.appendingPathComponent("bindings/vectors")
        let expected = try JSONSerialization.jsonObject(
            with: Data(contentsOf: vectors.appendingPathComponent("household.json")))
        let engine = try await Engine.inMemory()
        let imported = try await engine.importFile(Data(contentsOf: vectors.appendingPathComponent("household.jsonl")))
        let ledger = try XCTUnwrap(imported.ledger)
        let heads = try await engine.heads(of: ledger)
        let listed = try await engine.all(ledger, sort: .oldest)
        let deleted = try await engine.all(ledger, Filter(deleted: true), sort: .oldest)
        let totals = try await engine.totals(
            of: ledger, from: Month(year: 2026, month: 10), to: Month(year: 2026, month: 11))
        let conflicts = try await engine.conflicts(in: ledger)
        let shown: [String: Any] = [
            "ledger": ledger.hex,
            "heads": heads.map(\.hex),
            "expenses": try (listed + deleted).map(expense),
            "totals": totals.map(total),
            "conflicts": conflicts.map(conflict),
        ]
        XCTAssertEqual(shown as NSDictionary, expected as? NSDictionary)
    }

    private func expense(_ shown: Expense) throws -> [String: Any] {
        [
            "id": shown.id.hex,
            "kind": "\(try XCTUnwrap(shown.kind))",
            "amount": try XCTUnwrap(shown.amount).description,
            "payee": shown.payee,
            "category": orNull(shown.category?.name),
            "account": orNull(shown.account?.name),
            "to_account": orNull(shown.toAccount?.name),
            "date": shown.date.description,
            "time": orNull(shown.time?.description),
            "note": shown.note,
            "tags": shown.tags,
            "deleted": shown.deleted,
            "conflicted": shown.conflicted,
        ]
    }

    private func total(_ shown: Total) -> [String: Any] {
        [
            "month": shown.month.description,
            "category": orNull(shown.category?.name),
            "spent": shown.spent.description,
            "earned": shown.earned.description,
            "count": shown.count,
        ]
    }

    private func conflict(_ shown: Conflict) -> [String: Any] {
        ["document": shown.document.hex, "field": shown.field, "values": shown.values.map(\.value.text)]
    }

    private func orNull(_ text: String?) -> Any { text ?? NSNull() }
}
