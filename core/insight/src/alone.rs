//! linfa on one thread.
//!
//! Each pass of its k-means over its points is handed to rayon, by default to as many threads as there are processors. For
//! the few dozen points here it takes longer to wake them than to go over the points, and a phone would do it on all its
//! cores. In a pool of one thread, which is there for one fit and its comparisons only, nothing is handed to anybody.

use rayon::ThreadPoolBuilder;

/// Does some work with linfa on a thread of its own; on this one and rayon's, if there can be no more threads.
pub(crate) fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}
