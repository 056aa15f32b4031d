//! Writes the Kotlin, Swift and Python that call the library `outlay`, and lists what it exports.
//!
//! It reads what a library that is built says of itself, and what it writes is kept nowhere. It is a crate of its own so that
//! the library does not depend on it, and is never optimised: that would take longer than all of its runs.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};
use uniffi_bindgen::macro_metadata::extract_from_library;
use uniffi_meta::{EnumShape, Metadata};

/// What other languages call Outlay by.
#[derive(Parser)]
#[command(name = "uniffi-bindgen")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write the code of a language
    Generate(Generate),
    /// List what can be called: `Engine.add_expense`, one a line
    Calls {
        /// The library
        library: PathBuf,
    },
    /// List what can be thrown: `OutlayError.NotFound`, one a line
    Errors {
        /// The library
        library: PathBuf,
    },
}

#[derive(Args)]
struct Generate {
    /// In which language
    #[arg(long)]
    language: Language,
    /// The folder to write to
    #[arg(long)]
    out_dir: PathBuf,
    /// How, which ffi/uniffi.toml says in any case
    #[arg(long = "config")]
    _config: Option<PathBuf>,
    /// Leave the code as it is written
    #[arg(long)]
    no_format: bool,
    /// The source is a library, as it is in any case
    #[arg(long = "library")]
    _is_library: bool,
    /// The library
    source: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    Kotlin,
    Swift,
    Python,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Generate(options) => write(options),
        What::Calls { library } => list(library, calls),
        What::Errors { library } => list(library, errors),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write(options: Generate) -> Result<(), Box<dyn Error>> {
    let language = match options.language {
        Language::Kotlin => TargetLanguage::Kotlin,
        Language::Swift => TargetLanguage::Swift,
        Language::Python => TargetLanguage::Python,
    };
    Ok(generate(GenerateOptions {
        languages: vec![language],
        source: options.source.try_into()?,
        out_dir: options.out_dir.try_into()?,
        format: !options.no_format,
        ..GenerateOptions::default()
    })?)
}

fn list(library: PathBuf, what: fn(&Metadata) -> Vec<String>) -> Result<(), Box<dyn Error>> {
    let exported = extract_from_library(library.as_path().try_into()?)?;
    let listed: BTreeSet<String> = exported.iter().flat_map(what).collect();
    for line in listed {
        println!("{line}");
    }
    Ok(())
}

fn calls(exported: &Metadata) -> Vec<String> {
    match exported {
        Metadata::Func(function) => vec![function.name.clone()],
        Metadata::Constructor(constructor) => vec![format!("{}.{}", constructor.self_name, constructor.name)],
        Metadata::Method(method) => vec![format!("{}.{}", method.self_name, method.name)],
        Metadata::TraitMethod(method) => vec![format!("{}.{}", method.trait_name, method.name)],
        _ => Vec::new(),
    }
}

fn errors(exported: &Metadata) -> Vec<String> {
    match exported {
        Metadata::Enum(thrown) if matches!(thrown.shape, EnumShape::Error { .. }) => {
            thrown.variants.iter().map(|variant| format!("{}.{}", thrown.name, variant.name)).collect()
        }
        _ => Vec::new(),
    }
}
