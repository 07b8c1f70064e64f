//! From the RPC option `candor.options.v1.delegation` to `impl Delegated` for the request: whose data it reads.

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use std::fmt::Write as _;

/// One `impl Delegated` for the request of every RPC that may read another person's data.
pub(crate) fn generate(pool: &DescriptorPool) -> Result<String, String> {
    let extension = pool
        .get_extension_by_name("candor.options.v1.delegation")
        .ok_or("candor.options.v1.delegation is missing")?;
    let mut code = String::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let options = method.options();
        if !options.has_extension(&extension) {
            continue;
        }
        let delegation = options.get_extension(&extension);
        let delegation = delegation.as_message().ok_or("a delegation is not a message")?;
        implement(&method, delegation, &mut code)?;
    }
    Ok(code)
}

fn implement(
    method: &MethodDescriptor,
    delegation: &DynamicMessage,
    code: &mut String,
) -> Result<(), String> {
    let name = method.full_name();
    let text = |field: &str| {
        delegation.get_field_by_name(field).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let (owner, item) = (text("owner_field"), text("item_field"));
    let scope = delegation.get_field_by_name("scope").and_then(|v| v.as_enum_number()).unwrap_or_default();
    if scope == 0 {
        return Err(format!("{name}: the delegation names no scope"));
    }
    let input = method.input();
    for field in [&owner, &item] {
        if !field.is_empty() && input.get_field_by_name(field).is_none() {
            return Err(format!("{name}: the delegation names {field}, which the request has not"));
        }
    }
    if owner.is_empty() {
        return Err(format!("{name}: the delegation names no owner"));
    }
    let item = if item.is_empty() { "None".to_owned() } else { format!("Some(&self.{item})") };
    let path = super::rules::rust_path(&input);
    let _ = writeln!(
        code,
        "impl Delegated for {path} {{\n    const SCOPE: i32 = {scope};\n    \
         fn owner(&self) -> &str {{ &self.{owner} }}\n    fn item(&self) -> Option<&str> {{ {item} }}\n}}"
    );
    Ok(())
}
