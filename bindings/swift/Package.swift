// swift-tools-version: 6.0

// What uniffi writes is in Generated, which is in no git: `make bindings-swift` writes it, and says where the library is.
import PackageDescription

let package = Package(
    name: "Outlay",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Outlay", targets: ["Outlay"])],
    targets: [
        .systemLibrary(name: "OutlayFFI", path: "Generated/OutlayFFI"),
        .target(
            name: "OutlayNative",
            dependencies: ["OutlayFFI", "OutlayValues"],
            path: "Generated/OutlayNative",
            // The templates of uniffi are written for Swift 5.
            swiftSettings: [.swiftLanguageMode(.v5)],
            linkerSettings: [.linkedLibrary("outlay")]
        ),
        .target(name: "OutlayValues"),
        .target(name: "Outlay", dependencies: ["OutlayNative", "OutlayValues"]),
        .executableTarget(name: "OutlayWidget", dependencies: ["Outlay"], path: "Tests/OutlayWidget"),
        .executableTarget(
            name: "OutlayBenchmark", dependencies: ["Outlay", "OutlayNative"], path: "Tests/OutlayBenchmark"),
        .testTarget(name: "OutlayTests", dependencies: ["Outlay", "OutlayWidget"]),
    ],
    swiftLanguageModes: [.v6]
)
