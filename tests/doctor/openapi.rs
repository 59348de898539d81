//! A configuration out of an OpenAPI document, where there is no log yet.

use super::commands::{code, run};
use crate::deliver::scratch::Scratch;
use darban::attribute::RouteClass::{self, List, PassCheck, Personal, Register, Write};
use darban::config::Config;
use darban::survey::{documented, draft_of_document};
use std::path::Path;

const PORTAL: &str = r##"
openapi: 3.1.0
info: { title: Vaccination portal, version: "2.0" }
servers:
  - url: https://{stage}.example.org/api/{version}/
    variables: { stage: { default: live }, version: { default: v2 } }
security:
  - key: []
paths:
  /beneficiaries/{beneficiaryId}:
    parameters:
      - { name: beneficiaryId, in: path, required: true, schema: { type: string } }
    get: { operationId: getBeneficiary, responses: {} }
    head: { responses: {} }
    put: { operationId: "replace beneficiary", responses: {} }
  /beneficiaries:
    get:
      parameters:
        - $ref: "#/components/parameters/mobile"
        - { name: page, in: query, schema: { type: integer } }
      responses: {}
  /tenants/{tenantId}/people/{personId}:
    get: { responses: {} }
  /tenants/{tenantId}/people:
    get:
      parameters:
        - { name: sort, in: query, required: true, schema: { type: string, enum: [name, age] } }
        - { name: page, in: query, schema: { type: integer } }
      responses: {}
    post: { responses: {} }
  /protocols/{number}/photo:
    get: { security: [], responses: {} }
  /certificates/{number}.pdf:
    get: { responses: {} }
  /otp/{mobile}/verify:
    post: { responses: {} }
  /icons/{name}.PNG:
    get: { responses: {} }
  /people/search:
    post: { responses: {} }
  /odd/v{number}/x:
    get: { responses: {} }
components:
  parameters:
    mobile: { name: mobile, in: query, required: true, schema: { $ref: "#/components/schemas/mobile" } }
  schemas:
    mobile: { type: [string, "null"] }
  securitySchemes:
    key: { type: apiKey, in: header, name: X-Api-Key }
    login: { type: http, scheme: bearer }
"##;

fn portal() -> serde_json::Value {
    serde_saphyr::from_str(PORTAL).unwrap()
}

#[test]
fn a_document_s_paths_become_routes_with_the_place_of_their_subject() {
    let found = documented(&portal()).unwrap();
    let mut routes: Vec<(&str, &str, RouteClass, Option<&str>)> = Vec::new();
    for it in &found.report.routes {
        routes.push((&it.name, &it.path, it.class, it.subject.as_deref()));
    }
    routes.sort_unstable_by_key(|it| (it.1, it.0));
    assert_eq!(
        routes,
        [
            ("v2-beneficiaries", "/api/v2/beneficiaries", Personal, Some("query:mobile")),
            ("getBeneficiary", "/api/v2/beneficiaries/{subject}", Personal, None),
            ("replace-beneficiary", "/api/v2/beneficiaries/{subject}", Write, None),
            ("v2-certificates", "/api/v2/certificates/{subject}.pdf", Personal, None),
            ("otp-verify", "/api/v2/otp/{subject}/verify", PassCheck, None),
            ("protocols-photo", "/api/v2/protocols/{subject}/photo", Register, None),
            ("tenants-people-2", "/api/v2/tenants/{record}/people", List, Some("query:page")),
            ("tenants-people", "/api/v2/tenants/{record}/people/{subject}", Personal, None),
        ]
    );
    let methods: Vec<&str> =
        found.report.routes.iter().flat_map(|it| &it.methods).map(String::as_str).collect();
    assert!(methods.contains(&"HEAD") && methods.contains(&"PUT"), "{methods:?}");
}

#[test]
fn what_names_nobody_is_listed_and_security_schemes_are_client_keys() {
    let found = documented(&portal()).unwrap();
    let left_out = [
        "GET /api/v2/odd/v{number}/x",
        "POST /api/v2/people/search",
        "POST /api/v2/tenants/{tenantId}/people",
    ];
    let mut listed = found.left_out.clone();
    listed.sort_unstable();
    assert_eq!(listed, left_out);
    let keys: Vec<(&str, &str)> =
        found.report.keys.iter().map(|it| (it.kind.name(), it.field.as_str())).collect();
    assert_eq!(keys, [("credential", "header:x-api-key"), ("staff", "user")]);
    let text = draft_of_document(&found, "api.yaml");
    assert!(left_out.iter().all(|it| text.contains(it)), "{text}");
    assert!(!text.contains(" 0 requests") && !text.contains("0 %"), "{text}");
    let config = Config::parse_without_files(&text, Path::new("")).unwrap();
    assert_eq!(config.attribute.routes.len(), found.report.routes.len());
}

#[test]
fn of_more_routes_than_a_configuration_should_have_those_about_people_are_kept() {
    let mut document = portal();
    for at in 0..60 {
        let (read, write) = (format!("/a{at}/{{id}}"), format!("/b{at}/{{id}}"));
        document["paths"][read] = serde_json::json!({ "get": {} });
        document["paths"][write] = serde_json::json!({ "post": {} });
    }
    let found = documented(&document).unwrap();
    assert_eq!(found.report.routes.len(), darban::survey::ROUTES_MAX);
    assert!(found.report.routes.iter().all(|it| matches!(it.class, Personal | Register)));
    assert_eq!(found.dropped, 78);
    assert!(draft_of_document(&found, "x").contains("# 78 more routes"));
}

#[test]
fn init_takes_a_document_as_yaml_or_json_and_says_what_is_none() {
    let scratch = Scratch::new();
    let write = |name: &str, text: &str| std::fs::write(scratch.path().join(name), text).unwrap();
    write("api.yaml", PORTAL);
    write("api.json", &portal().to_string());
    for name in ["api.yaml", "api.json"] {
        let output = run(&scratch, &["init", "--openapi", name, "--output", "d.toml", "--force"]);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(code(&output), Some(0), "{words}");
        assert!(words.contains("8 routes and 2 client keys"), "{words}");
        assert_eq!(code(&run(&scratch, &["check", "--config", "d.toml"])), Some(0));
    }
    write("swagger.json", r#"{"swagger": "2.0", "paths": {}}"#);
    write("no.yaml", "a: [");
    for (name, why) in [
        ("swagger.json", "is no OpenAPI document of version 3"),
        ("no.yaml", "is neither JSON nor YAML"),
        ("none.yaml", "No such file"),
    ] {
        let output = run(&scratch, &["init", "--openapi", name]);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(code(&output), Some(65), "{name}: {words}");
        assert!(words.contains(why), "{words}");
    }
    let both = run(&scratch, &["init", "--openapi", "api.yaml", "access.log"]);
    assert_eq!(code(&both), Some(64));
}

#[test]
fn references_that_lead_in_a_circle_are_left() {
    let document = serde_json::json!({
        "openapi": "3.0.3",
        "paths": { "/people": { "$ref": "#/paths/~1people" }, "/x/{id}": { "get": {} } },
    });
    let found = documented(&document).unwrap();
    assert_eq!(found.report.routes.len(), 1);
}
