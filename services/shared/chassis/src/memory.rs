//! Where every process of ours takes its memory from.

use mimalloc::MiMalloc;

/// Many small pieces are taken by one thread and given back by another: what the system's allocator is slowest at.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
