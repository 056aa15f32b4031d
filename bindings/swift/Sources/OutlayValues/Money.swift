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
        guard text.wholeMatch(of: /[+-]?[0-9]+(\.[0-9]+)?/) != nil,
            let amount = Decimal(string: text, locale: Locale(identifier: "en_US_POSIX"))
        else { throw NotAnAmount(text: text) }
        self.init(amount, currency, decimals: text.split(separator: ".").dropFirst().first?.count ?? 0)
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
