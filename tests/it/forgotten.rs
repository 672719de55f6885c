//! No test file is forgotten: every file here is a module of the one binary.

#[test]
fn every_file_is_a_module() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let listed = std::fs::read_to_string(format!("{root}/it.rs")).unwrap();
    for entry in std::fs::read_dir(format!("{root}/it")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(listed.contains(&format!("mod {module};")), "tests/it/{name} is not a module of tests/it.rs");
    }
}
