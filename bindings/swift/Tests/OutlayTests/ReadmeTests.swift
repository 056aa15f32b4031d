import Foundation
import Outlay
import Testing

@Suite("The quick start of the READMEs is what is compiled, and does what it says")
struct ReadmeTests {
    @Test("the quick start stands in the README as it is compiled", arguments: ["README.md", "bindings/swift/README.md"])
    func compiled(page: String) throws {
        let source = try text("bindings/swift/Tests/OutlayTests/QuickStart.swift")
        let lines = try between("// README\n", "    // END", source).split(separator: "\n").map { $0.dropFirst(4) }
        #expect(try between("```swift\n", "\n```", text(page)) == lines.joined(separator: "\n"))
    }

    @Test("the quick start does what it says")
    func runs() async throws {
        let path = try Folder().path("expenses.outlay")
        try await quickStart(path)
        let engine = try await Engine.open(path)
        let entries = try await engine.all(engine.ensureDefaultLedger().id)
        #expect(entries.map { "\($0.amount?.description ?? "") \($0.payee)" } == ["12.50 EUR Corner Café"])
    }

    private func text(_ page: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(page), encoding: .utf8)
    }

    private func between(_ start: String, _ end: String, _ text: String) throws -> String {
        let from = try #require(text.range(of: start)).upperBound
        return try String(text[from..<#require(text.range(of: end, range: from..<text.endIndex)).lowerBound])
    }
}
