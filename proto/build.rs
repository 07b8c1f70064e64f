//! Compiles the `.proto` files without `protoc` and turns their rules and delegations into code.

use prost_reflect::{DescriptorPool, prost::Message as _, prost_types::FileDescriptorSet};
use std::{error::Error, path::Path, path::PathBuf};

#[path = "build/delegations.rs"]
mod delegations;
#[path = "build/resources.rs"]
mod resources;
#[path = "build/rules.rs"]
mod rules;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=candor");
    println!("cargo:rerun-if-changed=third_party");
    let mut files = Vec::new();
    collect(Path::new("candor"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([".", "third_party"])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    let set = compiler.encode_file_descriptor_set();
    let pool = DescriptorPool::decode(set.as_slice())?;

    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptor_set.bin"), &set)?;
    std::fs::write(out.join("validate.rs"), rules::generate(&pool)?)?;
    std::fs::write(out.join("delegated.rs"), delegations::generate(&pool)?)?;
    std::fs::write(out.join("resources.rs"), resources::generate(&pool)?)?;

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .skip_debug(["."])
        .compile_fds_with_config(FileDescriptorSet::decode(set.as_slice())?, config)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
