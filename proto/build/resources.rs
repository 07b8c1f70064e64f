//! From the option `candor.options.v1.resource` of a kind of data to a function: what it is called in scopes of tokens.

use prost_reflect::DescriptorPool;
use std::fmt::Write as _;

/// `fn resource_of`, for every value of `candor.options.v1.Scope`.
pub(crate) fn generate(pool: &DescriptorPool) -> Result<String, String> {
    let extension = pool
        .get_extension_by_name("candor.options.v1.resource")
        .ok_or("candor.options.v1.resource is missing")?;
    let scopes =
        pool.get_enum_by_name("candor.options.v1.Scope").ok_or("candor.options.v1.Scope is missing")?;
    let mut code = String::from(
        "/// The resource type of FHIR R4 that a `candor.options.v1.Scope` is, in the scopes of software's tokens; none for what\n\
         /// can be opened to no software.\n\
         pub fn resource_of(scope: i32) -> Option<&'static str> {\n    match scope {\n",
    );
    for value in scopes.values() {
        let options = value.options();
        if let Some(resource) = options.get_extension(&extension).as_str().filter(|name| !name.is_empty()) {
            let _ = writeln!(code, "        {} => Some({resource:?}),", value.number());
        }
    }
    code.push_str("        _ => None,\n    }\n}\n");
    Ok(code)
}
