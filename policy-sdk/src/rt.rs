//! The few functions that generated bindings call: memory for values that cross the border.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Asks for nothing here: `cabi_realloc` is exported from this module.
pub fn maybe_link_cabi_realloc() {}

/// How the agent asks for memory to put an argument or a result into.
///
/// # Safety
///
/// As the canonical ABI says: `old_ptr` is null with `old_len` 0, or what an earlier call returned
/// for `old_len` octets with the same alignment, which is a power of two.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cabi_realloc(
    old_ptr: *mut u8,
    old_len: usize,
    align: usize,
    new_len: usize,
) -> *mut u8 {
    if new_len == 0 {
        return std::ptr::without_provenance_mut(align);
    }
    // SAFETY: the alignment is a power of two and sizes are those of a 32-bit memory; a non-zero
    // `old_len` means that `old_ptr` came from here with that size and alignment.
    let ptr = unsafe {
        match old_len {
            0 => alloc(Layout::from_size_align_unchecked(new_len, align)),
            _ => std::alloc::realloc(
                old_ptr,
                Layout::from_size_align_unchecked(old_len, align),
                new_len,
            ),
        }
    };
    if ptr.is_null() {
        // The host remembers that it refused to grow the memory, and says so.
        std::process::abort();
    }
    ptr
}

/// Runs static constructors before the first export does anything.
#[cfg(target_arch = "wasm32")]
pub fn run_ctors_once() {
    use std::sync::atomic::{AtomicBool, Ordering};

    static RAN: AtomicBool = AtomicBool::new(false);
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    if !RAN.swap(true, Ordering::Relaxed) {
        // SAFETY: the linker defines this function; naming it makes calling it our duty, once.
        unsafe { __wasm_call_ctors() }
    }
}

/// A block of memory that an argument is written to for the time of a call.
pub struct Cleanup {
    ptr: NonNull<u8>,
    layout: Layout,
}

impl Cleanup {
    /// Memory of that layout and its owner; null and nobody for a layout of no size.
    pub fn new(layout: Layout) -> (*mut u8, Option<Self>) {
        if layout.size() == 0 {
            return (std::ptr::null_mut(), None);
        }
        // SAFETY: the layout's size is not zero.
        let ptr = unsafe { alloc(layout) };
        match NonNull::new(ptr) {
            Some(owned) => (ptr, Some(Self { ptr: owned, layout })),
            None => handle_alloc_error(layout),
        }
    }

    /// Leaves the memory to whom it was handed.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and freed only here.
        unsafe { dealloc(self.ptr.as_ptr(), self.layout) }
    }
}
