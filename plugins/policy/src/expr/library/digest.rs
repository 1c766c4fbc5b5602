//! Checksums and hashes of strings, and other random-looking numbers.

use aws_lc_rs::{digest, rand};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use cel::{DeclarationError, Env, ExecutionError};
use crc::Crc;
use md5::{Digest as _, Md5};
use twox_hash::XxHash64;

use super::args::define;

static CRC_32: Crc<u32> = Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
static CRC_64: Crc<u64> = Crc::<u64>::new(&crc::CRC_64_GO_ISO);

fn sha(algorithm: &'static digest::Algorithm, text: &str) -> Vec<u8> {
    digest::digest(algorithm, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn written(bytes: &[u8], format: &str) -> Result<String, ExecutionError> {
    match format {
        "hex" => Ok(hex(bytes)),
        "base64" => Ok(BASE64_STANDARD.encode(bytes)),
        _ => {
            Err(ExecutionError::function_error("hash", "the format is neither 'hex' nor 'base64'"))
        }
    }
}

macro_rules! hashes {
    ($env:expr; $($name:literal: $digest:expr;)*) => {$(
        define!($env, $name, |s: &str| -> String {
            let digest: fn(&str) -> Vec<u8> = $digest;
            hex(&digest(s))
        })?;
        define!($env, $name, |s: &str, format: &str| -> Result<String, ExecutionError> {
            let digest: fn(&str) -> Vec<u8> = $digest;
            written(&digest(s), format)
        })?;
    )*};
}

pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    hashes!(env;
        "@hash.crc32": |s| CRC_32.checksum(s.as_bytes()).to_be_bytes().to_vec();
        "@hash.crc64": |s| CRC_64.checksum(s.as_bytes()).to_be_bytes().to_vec();
        "@hash.md5": |s| Md5::digest(s).to_vec();
        "@hash.sha1": |s| sha(&digest::SHA1_FOR_LEGACY_USE_ONLY, s);
        "@hash.sha256": |s| sha(&digest::SHA256, s);
        "@hash.sha512": |s| sha(&digest::SHA512, s);
        "@hash.xxhash64": |s| XxHash64::oneshot(0, s.as_bytes()).to_be_bytes().to_vec();
    );
    define!(env, "@rand.double", || -> Result<f64, ExecutionError> {
        // Reason: 53 bits are what a double between 0 and 1 has.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        Ok((random()? >> 11) as f64 / (1_u64 << 53) as f64)
    })?;
    define!(env, "@rand.int", || -> Result<i64, ExecutionError> { between(0, 1) })?;
    define!(env, "@rand.int", |min: i64, max: i64| -> Result<i64, ExecutionError> {
        between(min, max)
    })
}

fn random() -> Result<u64, ExecutionError> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| ExecutionError::function_error("rand", "no randomness"))?;
    Ok(u64::from_le_bytes(bytes))
}

/// A number from `min` to `max`, both included, each as likely as the others.
fn between(min: i64, max: i64) -> Result<i64, ExecutionError> {
    let fail = |message| Err(ExecutionError::function_error("rand.int", message));
    let (Ok(low), Ok(high)) = (u64::try_from(min), u64::try_from(max)) else {
        return fail("bounds cannot be negative");
    };
    if low > high {
        return fail("the lower bound is above the upper one");
    }
    let n = high - low + 1;
    // Reason: numbers from the last, incomplete run of n would make the lower ones likelier.
    let usable = u64::MAX - u64::MAX % n;
    let number = loop {
        let number = random()?;
        if number < usable {
            break number;
        }
    };
    Ok(i64::try_from(low + number % n).unwrap_or(max))
}
