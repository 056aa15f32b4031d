import OutlayNative

/// A sink that calls a function with each line of the log: `Options(logSink: Log { print($0.message) })`.
public final class Log: LogSink {
    private let tell: @Sendable (LogLine) -> Void

    public init(_ tell: @escaping @Sendable (LogLine) -> Void) { self.tell = tell }

    public func log(line: LogLine) { tell(line) }
}
