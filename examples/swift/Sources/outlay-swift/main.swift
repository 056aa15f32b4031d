import Foundation
import Outlay

guard CommandLine.arguments.count == 2 else {
    FileHandle.standardError.write(Data("usage: outlay-swift DATABASE\n\(help)\n".utf8))
    exit(2)
}
let engine = try await Engine.open(CommandLine.arguments[1])
try await Terminal(engine).run()
engine.close()
