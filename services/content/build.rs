//! Embeds the library: every `library/<locale>/<id>.md`, sorted, as `FILES: &[(path, text)]`.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=library");
    println!("cargo:rerun-if-changed=migrations");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("library");
    let mut files = Vec::new();
    for folder in fs::read_dir(&root)? {
        let folder = folder?.path();
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(&folder)? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "md") {
                let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
                files.push(format!("    ({name:?}, include_str!({:?})),\n", file.to_string_lossy()));
            }
        }
    }
    files.sort();
    let code = format!("pub const FILES: &[(&str, &str)] = &[\n{}];\n", files.concat());
    fs::write(Path::new(&env::var("OUT_DIR")?).join("library.rs"), code)?;
    Ok(())
}
