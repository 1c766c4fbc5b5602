use adit_policy_sdk::prelude::*;
use adit_policy_sdk::testing::*;

#[derive(Deserialize)]
struct Config {
    limits: Vec<Limit>,
}

#[derive(Deserialize)]
struct Limit {
    burst: u32,
}

struct Policy;

#[policy]
impl Policy {
    fn configure(config: Config) -> Result<Self> {
        if config.limits.iter().any(|limit| limit.burst == 0) {
            bail!("burst must be at least 1");
        }
        match secrets::get("key") {
            Ok(_) => Ok(Self),
            Err(error) => {
                assert_eq!(kv::get_bytes("a", "b").unwrap_err().kind(), ErrorKind::Denied);
                Err(error)
            }
        }
    }

    fn on_request(&self, _: &Connection, _: &Request) {}
}

#[test]
fn an_error_names_the_field() {
    let error = |config| Harness::<Policy>::new(config).err().unwrap();
    assert_eq!(
        error(json!({ "limits": [{ "burst": 1 }, { "burst": "x" }] })),
        "limits[1].burst: invalid type: string \"x\", expected u32"
    );
    assert_eq!(error(json!({})), "missing field `limits`");
    assert_eq!(error(json!({ "limits": [{}] })), "limits[0]: missing field `burst`");
}

#[test]
fn what_configure_says_is_for_the_operator() {
    let error = |config| Harness::<Policy>::new(config).err().unwrap();
    assert_eq!(error(json!({ "limits": [{ "burst": 0 }] })), "burst must be at least 1");
    assert_eq!(
        error(json!({ "limits": [] })),
        "secrets \"key\" is not granted; see the policy's grants"
    );
}

#[test]
fn secrets_can_be_read_while_configuring() {
    let setup = Harness::<Policy>::setup().secret("key", "hunter2");
    assert!(setup.start(json!({ "limits": [] })).is_ok());
}
