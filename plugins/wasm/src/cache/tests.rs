use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

const EMPTY: &str = "(component)";

struct Rig {
    home: TempDir,
    engine: Engine,
    bytes: Vec<u8>,
}

impl Rig {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let bytes = wat::parse_str(EMPTY).unwrap();
        Self { home, engine: Engine::default(), bytes }
    }

    fn dir(&self) -> PathBuf {
        self.home.path().join("policies")
    }

    fn cache(&self) -> Cache {
        Cache::new(CachePolicy::Dir(self.dir()))
    }

    fn compile(&self) {
        let digest = Sha256::digest(&self.bytes).into();
        self.cache().component(&self.engine, &self.bytes, &digest).unwrap();
    }

    fn files(&self) -> Vec<PathBuf> {
        files::list(&self.dir(), EXTENSION).into_iter().map(|file| file.path).collect()
    }

    fn file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1);
        files[0].clone()
    }

    /// Whether the file is taken, by the key of this engine and component.
    fn hits(&self) -> Result<bool, String> {
        let key = key(&self.engine, &Sha256::digest(&self.bytes).into());
        let path = self.dir().join(format!("{}.{EXTENSION}", Hex(&key)));
        let loaded = load(&self.engine, &path, &key);
        loaded.map(|component| component.is_some()).map_err(|error| error.to_string())
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_was_compiled_once_is_loaded_and_is_ours_alone() {
    let rig = Rig::new();
    rig.compile();
    assert_eq!(rig.hits(), Ok(true));
    assert_eq!((mode(&rig.dir()), mode(&rig.file())), (0o700, 0o600));
}

#[test]
fn another_component_and_other_settings_have_other_keys() {
    let mut rig = Rig::new();
    rig.compile();
    rig.bytes = wat::parse_str("(component (core module))").unwrap();
    assert_eq!(rig.hits(), Ok(false));
    rig.bytes = wat::parse_str(EMPTY).unwrap();
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    rig.engine = Engine::new(&config).unwrap();
    assert_eq!(rig.hits(), Ok(false));
}

#[test]
fn a_damaged_file_is_not_taken_and_is_replaced() {
    let rig = Rig::new();
    rig.compile();
    let whole = fs::read(rig.file()).unwrap();
    let mut flipped = whole.clone();
    flipped[100] ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..10], &flipped] {
        fs::write(rig.file(), damaged).unwrap();
        assert!(rig.hits().is_err());
        rig.compile();
        assert_eq!(rig.hits(), Ok(true));
    }
}

#[test]
fn a_file_or_directory_that_others_can_use_is_not_taken() {
    let rig = Rig::new();
    rig.compile();
    fs::set_permissions(rig.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = "others may use it; its mode must be 0700 or 0600";
    assert_eq!(rig.hits(), Err(refused.to_owned()));
    fs::set_permissions(rig.file(), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(rig.dir(), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(files::prepare(&rig.dir()).unwrap_err().to_string(), refused);
}

#[test]
fn a_link_to_somewhere_else_is_not_taken() {
    let rig = Rig::new();
    rig.compile();
    let (file, elsewhere) = (rig.file(), rig.home.path().join("elsewhere"));
    fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    assert_eq!(rig.hits(), Err("it is not a regular file".to_owned()));
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let rig = Rig::new();
    rig.compile();
    let (old, dir) = (rig.file(), rig.dir());
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    fs::File::open(&old).unwrap().set_modified(long_ago).unwrap();
    let new = dir.join(format!("new.{EXTENSION}"));
    fs::copy(&old, &new).unwrap();
    fs::File::open(&new).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
    let size = fs::metadata(&new).unwrap().len();
    files::prune(&dir, EXTENSION, size);
    assert_eq!(rig.files(), [new]);
}

/// A file and a directory that are not ours. Root gives them away; others find them.
fn foreign(rig: &Rig) -> (PathBuf, PathBuf) {
    if !rustix::process::geteuid().is_root() {
        return ("/etc/passwd".into(), "/".into());
    }
    let give_away = |path: PathBuf| {
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        path
    };
    (give_away(rig.file()), give_away(rig.dir()))
}

#[test]
fn what_belongs_to_somebody_else_is_not_taken() {
    let rig = Rig::new();
    rig.compile();
    let (file, dir) = foreign(&rig);
    let refused = "it belongs to somebody else";
    assert_eq!(files::read_own(&file).unwrap_err().to_string(), refused);
    assert_eq!(files::prepare(&dir).unwrap_err().to_string(), refused);
    // The policy runs nevertheless, compiled anew.
    let cache = Cache::new(CachePolicy::Dir(dir));
    let digest = Sha256::digest(&rig.bytes).into();
    assert!(cache.component(&rig.engine, &rig.bytes, &digest).is_ok());
}
