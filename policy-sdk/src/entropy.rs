//! Randomness for crates that ask `getrandom`.

/// What `getrandom` calls where it is told to use a custom backend.
///
/// # Safety
///
/// `dest` points to `len` octets that may be written, as `getrandom` promises.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(
    dest: *mut u8,
    len: usize,
) -> Result<(), getrandom::Error> {
    // Zeroed first: what is behind the pointer may not have been written yet.
    // SAFETY: `dest` points to `len` octets that are ours for the time of the call.
    let octets = unsafe {
        dest.write_bytes(0, len);
        std::slice::from_raw_parts_mut(dest, len)
    };
    crate::random::fill(octets);
    Ok(())
}
