// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "outlay-swift",
    platforms: [.macOS(.v13)],
    // A link to bindings/swift: the name of its own folder is that of this one, too.
    dependencies: [.package(name: "Outlay", path: "Outlay")],
    targets: [
        .executableTarget(name: "outlay-swift", dependencies: [.product(name: "Outlay", package: "Outlay")])
    ],
    swiftLanguageModes: [.v6]
)
