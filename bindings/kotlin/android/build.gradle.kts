// The package as an AAR: the classes of the jar, and the library for each kind of phone that `natives` built.
// Not exercised in CI, which has no Android SDK.
plugins {
    id("com.android.library") version "8.13.0"
    id("org.jetbrains.kotlin.android") version "2.2.21"
}

android {
    namespace = "app.outlay"
    compileSdk = 36
    defaultConfig {
        minSdk = 26 // java.time
        consumerProguardFiles("../src/main/resources/META-INF/proguard/outlay.pro")
    }
    sourceSets["main"].kotlin.srcDirs("../src/main/kotlin", "../../../target/bindings/kotlin/generated")
    sourceSets["main"].jniLibs.srcDirs("../../../target/bindings/android")
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    implementation("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2")
    implementation("net.java.dev.jna:jna:5.18.1@aar")
}
