//! A run of the agent whose records and local API are looked at.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use super::{Program, here};

/// A running agent with a configuration file, a log on standard output, and a local API.
pub(crate) struct Agent {
    pub(crate) program: Program,
    pub(crate) web: SocketAddr,
    file: PathBuf,
}

/// An answer of the local API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Agent {
    /// Starts it with these endpoints in its file, and waits until the API is there.
    pub(crate) async fn start(home: &TempDir, endpoints: &str, args: &[&str]) -> Self {
        let file = home.path().join("adit.yml");
        write(&file, "", endpoints);
        let config = file.display().to_string();
        let log = ["--config", &config, "--log", "stdout", "--log-format", "logfmt"];
        let mut program = Program::start(home, &[args, &log].concat());
        let record = program.line("starting web service").await;
        Self { web: value(&record, "addr").parse().unwrap(), program, file }
    }

    /// Writes other endpoints into its file, behind these settings.
    pub(crate) fn write(&self, settings: &str, endpoints: &str) {
        write(&self.file, settings, endpoints);
    }

    /// Writes anything into its file.
    pub(crate) fn overwrite(&self, text: &str) {
        std::fs::write(&self.file, text).unwrap();
    }

    pub(crate) fn file(&self) -> String {
        self.file.display().to_string()
    }

    /// The public URL of the endpoint that is started next.
    pub(crate) async fn url(&mut self) -> String {
        value(&self.program.line("started tunnel").await, "url")
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut visit = here(&format!("http://{}", self.web)).get(path).method(method);
        if let Some(body) = body {
            visit = visit.header("content-type", "application/json").body(body.to_string());
        }
        let reply = visit.await;
        let json = serde_json::from_str(&reply.text()).unwrap_or_default();
        Answer { status: reply.status().as_u16(), json }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None).await
    }

    /// Names of what is served.
    pub(crate) async fn names(&self) -> Vec<String> {
        let tunnels = self.get("/api/tunnels").await;
        let names = tunnels["tunnels"].as_array().unwrap().iter();
        names.map(|tunnel| tunnel["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Reloads by the API; the report.
    pub(crate) async fn reload(&self) -> Value {
        let answer = self.post("/api/config/reload", serde_json::json!({})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    }
}

fn write(file: &Path, settings: &str, endpoints: &str) {
    let web = if settings.contains("web_addr") { "" } else { "  web_addr: 127.0.0.1:0\n" };
    let text = format!("version: 3\nagent:\n{web}{settings}endpoints:\n{endpoints}");
    std::fs::write(file, text).unwrap();
}

/// The value of a key in a record whose value has no blank.
pub(crate) fn value(record: &str, key: &str) -> String {
    let key = format!(" {key}=");
    let (_, rest) = record.split_once(&key).unwrap_or_else(|| panic!("no{key} in {record}"));
    rest.split_whitespace().next().unwrap().to_owned()
}
