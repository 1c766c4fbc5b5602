//! What becomes of a traffic policy.

use adit_proto::ErrorCode;

use super::*;

fn policies() -> Tools {
    Tools::default().with_registry(registry([Rules]))
}

/// Finds what is not `fine` in a document.
struct Rules;

impl Factory for Rules {
    fn kind(&self) -> &str {
        "traffic-policy"
    }

    fn build(&self, document: &Value, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
        assert_eq!(cx.side == Side::Edge, cx.certificates.is_some());
        let rules = document["on_http_request"].as_array().into_iter().flatten().enumerate();
        let types = rules.map(|(n, rule)| (n.to_string(), &rule["actions"][0]["type"]));
        let mut wrong =
            types.filter(|(_, kind)| kind.as_str().unwrap_or_default().starts_with('x'));
        let mistake = |(n, kind): (String, &Value)| {
            let at = ["on_http_request", &n, "actions", "0", "type"];
            BuildError::new(format!("no action {kind}"))
                .at(at)
                .with_code(adit_chain::ErrorCode(2201))
        };
        match wrong.next() {
            None => Ok(BoxHandler::new(Idle(Needs::REQUEST_HEAD))),
            Some(first) => Err(mistake(first).and(wrong.map(mistake))),
        }
    }
}

const POLICY: &str = "version: 3\nendpoints:\n- name: web\n  upstream: {url: 80}\n  \
                      traffic_policy:\n    on_http_request:\n    - actions: [{type: deny}]\n";

fn with_policy(yaml: &str) -> Result<Plan, PlanError> {
    let config = config(yaml);
    let specs = EndpointSpec::from_config(config.endpoints.first().unwrap())?;
    Plan::new(specs.into_iter().next().unwrap(), &policies())
}

#[test]
fn a_policy_runs_here_or_is_asked_of_the_edge() {
    let here = with_policy(POLICY).unwrap();
    assert_eq!(kinds_with(&here, &policies()), ["traffic-policy"]);
    let Request::Bind(bind) = &here.request else { panic!() };
    assert_eq!(bind.opts.as_map().get("TrafficPolicy").and_then(Value::as_str), Some(""));
    let there = with_policy(&format!("{POLICY}  enforce: edge\n")).unwrap();
    assert_eq!(kinds_with(&there, &policies()), [""; 0]);
    let Request::Bind(bind) = &there.request else { panic!() };
    let text = r#"{"on_http_request":[{"actions":[{"type":"deny"}]}]}"#;
    assert_eq!(bind.opts.as_map()["TrafficPolicy"], text);
}

#[test]
fn every_mistake_in_a_policy_is_told_with_its_line_its_key_and_its_code() {
    for tail in ["", "  enforce: edge\n"] {
        let yaml = POLICY.replace("deny", "xa") + "    - actions:\n      - type: xb\n" + tail;
        let error = with_policy(&yaml).unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::POLICY_INVALID));
        assert_eq!(
            error.to_string(),
            "adit.yml:6:5: endpoint \"web\": the traffic policy is not valid:\n\
             adit.yml:7:24: on_http_request[0].actions[0].type: no action \"xa\" (ERR_NGROK_2201)\n\
             adit.yml:9:15: on_http_request[1].actions[0].type: no action \"xb\" (ERR_NGROK_2201)"
        );
    }
}

#[test]
fn a_policy_that_is_no_document_has_the_same_code() {
    let head = POLICY.split("    on_http").next().unwrap();
    let yaml = format!("{}\n", head.replace("traffic_policy:", "traffic_policy: \"a: [\""));
    let error = with_policy(&yaml).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::POLICY_INVALID));
    let text = error.to_string();
    let (whole, mistake) = text.split_once('\n').unwrap();
    assert!(whole.ends_with("endpoint \"web\": the traffic policy is not valid:"), "{text}");
    assert!(mistake.starts_with("traffic_policy:2:1: not valid YAML"), "{text}");
    assert!(mistake.ends_with(" (ERR_NGROK_2236)"), "{text}");
}

#[test]
fn a_mistake_in_a_sign_in_points_at_its_option() {
    let yaml = "version: 2\ntunnels:\n  web:\n    proto: http\n    addr: 80\n    \
                oauth: {provider: google, client_id: a}\n";
    let error = with_policy(yaml).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode(384)));
    let text = "adit.yml:6:42: endpoint \"web\": oauth has a client_id and no client_secret";
    assert_eq!(error.to_string(), text);
}
