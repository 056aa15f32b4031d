import Foundation

/// A civil date: what a calendar on the wall says. It does not move with time zones, so it is no `Date`.
public struct CalendarDate: Hashable, Sendable {
    public let year: Int
    /// From 1.
    public let month: Int
    /// From 1.
    public let day: Int

    /// Whether there is such a day is found out by the engine, which refuses one that is none.
    public init(year: Int, month: Int, day: Int) {
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// From a text as `2026-11-02`; `nil` if it is written otherwise.
    public init?(_ text: String) {
        guard let parts = numbers(text, separator: "-", widths: [4, 2, 2]) else { return nil }
        self.init(year: parts[0], month: parts[1], day: parts[2])
    }

    /// The day that it is at an instant, in a time zone.
    public init(_ instant: Date, in zone: TimeZone = .current) {
        let parts = gregorian(zone).dateComponents([.year, .month, .day], from: instant)
        self.init(year: parts.year ?? 0, month: parts.month ?? 0, day: parts.day ?? 0)
    }

    /// As the engine writes it.
    package init(crossing text: String) {
        self = CalendarDate(text) ?? CalendarDate(year: 0, month: 0, day: 0)
    }

    /// The beginning of the day in a time zone; `nil` if there is no such day.
    public func begins(in zone: TimeZone = .current) -> Date? {
        let parts = DateComponents(year: year, month: month, day: day)
        return parts.isValidDate(in: gregorian(zone)) ? gregorian(zone).date(from: parts) : nil
    }
}

extension CalendarDate: Comparable, CustomStringConvertible {
    public static func < (one: CalendarDate, other: CalendarDate) -> Bool {
        (one.year, one.month, one.day) < (other.year, other.month, other.day)
    }

    public var description: String { "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))" }
}

/// A month of a year.
public struct Month: Hashable, Sendable {
    public let year: Int
    /// From 1.
    public let month: Int

    public init(year: Int, month: Int) {
        (self.year, self.month) = (year, month)
    }

    /// From a text as `2026-11`; `nil` if it is written otherwise.
    public init?(_ text: String) {
        guard let parts = numbers(text, separator: "-", widths: [4, 2]) else { return nil }
        self.init(year: parts[0], month: parts[1])
    }

    /// As the engine writes it.
    package init(crossing text: String) {
        self = Month(text) ?? Month(year: 0, month: 0)
    }
}

extension Month: Comparable, CustomStringConvertible {
    public static func < (one: Month, other: Month) -> Bool {
        (one.year, one.month) < (other.year, other.month)
    }

    public var description: String { "\(digits(year, 4))-\(digits(month, 2))" }
}

/// A local time: what a clock on the wall says.
public struct TimeOfDay: Hashable, Sendable {
    public let hour: Int
    public let minute: Int
    public let second: Int

    public init(hour: Int, minute: Int, second: Int = 0) {
        (self.hour, self.minute, self.second) = (hour, minute, second)
    }

    /// From a text as `18:05` or `18:05:30`; `nil` if it is written otherwise.
    public init?(_ text: String) {
        let withSeconds = numbers(text, separator: ":", widths: [2, 2, 2])
        guard let parts = withSeconds ?? numbers(text, separator: ":", widths: [2, 2]) else { return nil }
        self.init(hour: parts[0], minute: parts[1], second: parts.count == 3 ? parts[2] : 0)
    }

    /// As the engine writes it.
    package init(crossing text: String) {
        self = TimeOfDay(text) ?? TimeOfDay(hour: 0, minute: 0)
    }
}

extension TimeOfDay: Comparable, CustomStringConvertible {
    public static func < (one: TimeOfDay, other: TimeOfDay) -> Bool {
        (one.hour, one.minute, one.second) < (other.hour, other.minute, other.second)
    }

    /// The seconds are left out when they are none.
    public var description: String {
        "\(digits(hour, 2)):\(digits(minute, 2))" + (second == 0 ? "" : ":\(digits(second, 2))")
    }
}

/// The numbers in a text, each of so many digits.
private func numbers(_ text: String, separator: Character, widths: [Int]) -> [Int]? {
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == widths else { return nil }
    let numbers = parts.compactMap { part in part.utf8.allSatisfy { (48...57).contains($0) } ? Int(part) : nil }
    return numbers.count == parts.count ? numbers : nil
}

private func digits(_ number: Int, _ count: Int) -> String {
    let plain = String(number)
    return String(repeating: "0", count: max(0, count - plain.count)) + plain
}

private func gregorian(_ zone: TimeZone) -> Calendar {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    return calendar
}
