//! Embeds files, sorted, as `FILES: &[(path, text)]`: of the library every `library/<locale>/<id>.md`, of the
//! instruments every `instruments/<id>.json`.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=migrations");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let locales = inside(&root.join("library"))?.into_iter().filter(|folder| folder.is_dir());
    let mut articles = Vec::new();
    for locale in locales {
        articles.extend(inside(&locale)?);
    }
    embed(&root, "library", "md", articles)?;
    embed(&root, "instruments", "json", inside(&root.join("instruments"))?)
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// Writes the files of a folder that end in `extension` as Rust code, named by their paths within the folder.
fn embed(root: &Path, folder: &str, extension: &str, files: Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={folder}");
    let mut lines = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|found| found == extension)) {
        let name = file.strip_prefix(root.join(folder))?.to_string_lossy().replace('\\', "/");
        lines.push(format!("    ({name:?}, include_str!({:?})),\n", file.to_string_lossy()));
    }
    lines.sort();
    let code = format!("pub const FILES: &[(&str, &str)] = &[\n{}];\n", lines.concat());
    fs::write(Path::new(&env::var("OUT_DIR")?).join(format!("{folder}.rs")), code)?;
    Ok(())
}
