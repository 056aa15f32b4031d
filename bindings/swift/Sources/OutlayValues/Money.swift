import Foundation

/// An ISO 4217 currency: three capital letters.
public struct Currency: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The letters.
    public let code: String

    public init(_ code: String) { self.code = code }
    public init(stringLiteral code: String) { self.code = code }

    public var description: String { code }
}

/// A text that is no amount.
public struct NotAnAmount: LocalizedError, Hashable {
    /// As it was given.
    public let text: String

    package init(text: String) { self.text = text }

    public var errorDescription: String? { "an amount is a number such as 12.50, which \(text) is not" }
}

/// An amount in one currency: a decimal, never a float.
///
/// Two are equal when they are as much in the same currency, however many decimals they were written with.
public struct Money: Sendable, CustomStringConvertible {
    /// How much.
    public let amount: Decimal
    /// In which currency.
    public let currency: Currency
    /// As many decimals are written at least.
    private let decimals: Int

    public init(_ amount: Decimal, _ currency: Currency) {
        self.init(amount, currency, decimals: 0)
    }

    /// From a text, `Money("12.50", "EUR")`, with a point whatever the locale is. Throws ``NotAnAmount``.
    public init(_ text: String, _ currency: Currency) throws {
        guard let decimals = countDecimals(text), let amount = Decimal(string: text, locale: pointed)
        else { throw NotAnAmount(text: text) }
        self.init(amount, currency, decimals: decimals)
    }

    /// As the engine writes it. It writes numbers only; another text would not be its own.
    package init(crossing text: String, _ currency: Currency) {
        self = (try? Money(text, currency)) ?? Money(.nan, currency)
    }

    private init(_ amount: Decimal, _ currency: Currency, decimals: Int) {
        self.amount = amount
        self.currency = currency
        self.decimals = decimals
    }

    /// The number, with a point and as many decimals as it was written with: `12.50`.
    public var text: String {
        let plain = amount.description
        let has = plain.split(separator: ".").dropFirst().first?.count ?? 0
        guard has < decimals else { return plain }
        return plain + (has == 0 ? "." : "") + String(repeating: "0", count: decimals - has)
    }

    public var description: String { "\(text) \(currency)" }

    /// The sum of two amounts of one currency; `nil` for two currencies.
    public func adding(_ other: Money) -> Money? {
        guard currency == other.currency else { return nil }
        return Money(amount + other.amount, currency, decimals: max(decimals, other.decimals))
    }

    /// The difference of two amounts of one currency; `nil` for two currencies.
    public func subtracting(_ other: Money) -> Money? { adding(-other) }

    /// As much in the other direction.
    public static prefix func - (money: Money) -> Money {
        Money(-money.amount, money.currency, decimals: money.decimals)
    }
}

extension Money: Hashable {
    public static func == (one: Money, other: Money) -> Bool {
        one.amount == other.amount && one.currency == other.currency
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(amount)
        hasher.combine(currency)
    }
}

/// A locale that writes a point.
private let pointed = Locale(identifier: "en_US_POSIX")

/// How many decimals a number such as `-12.50` has; `nil` for what is none. A page has one for each entry, so it is no regex.
private func countDecimals(_ text: String) -> Int? {
    let isSigned = text.hasPrefix("-") || text.hasPrefix("+")
    let parts = text.utf8.dropFirst(isSigned ? 1 : 0)
        .split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(digits.contains) }) else { return nil }
    return parts.count == 2 ? parts[1].count : 0
}
