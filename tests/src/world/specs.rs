//! What agents are told to serve.

use adit_agent::EndpointSpec;
use adit_chain::Registry;
use adit_config::{Layers, file::File};

/// Endpoints of one agent.
#[derive(Clone, Debug, Default)]
pub struct Specs(pub(crate) Vec<EndpointSpec>);

impl Specs {
    /// The first of them.
    ///
    /// # Panics
    /// If there is none.
    pub fn first(&self) -> EndpointSpec {
        self.0.first().expect("the test wrote an endpoint").clone()
    }
}

/// The handlers that both sides know.
pub fn registry() -> Registry {
    adit_cli::registry()
}

impl From<EndpointSpec> for Specs {
    fn from(spec: EndpointSpec) -> Self {
        Self(vec![spec])
    }
}

impl<const N: usize> From<[EndpointSpec; N]> for Specs {
    fn from(specs: [EndpointSpec; N]) -> Self {
        Self(specs.into())
    }
}

impl From<&str> for Specs {
    /// Reads a configuration file.
    ///
    /// # Panics
    /// If it is not a good one.
    fn from(text: &str) -> Self {
        let files = vec![File::parse("adit.yml", text.as_bytes())];
        let config = match (Layers { files, ..Layers::default() }).resolve() {
            Ok(config) => config,
            Err(problems) => panic!("{problems}"),
        };
        let specs = config.endpoints.iter().map(|endpoint| {
            EndpointSpec::from_config(endpoint).expect("nothing that is not supported")
        });
        Self(specs.flatten().collect())
    }
}

impl From<String> for Specs {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}
