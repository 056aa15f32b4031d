//! Which versions of the protocol this program speaks.

/// The oldest version spoken.
pub const VERSION_MIN: u16 = 1;
/// The newest version spoken.
pub const VERSION_MAX: u16 = 1;
/// The additive parts that this program knows, one bit each. None so far.
pub const FEATURES: u64 = 0;

/// The newest version that both sides speak.
///
/// ```
/// use outlay_protocol::version::agree;
/// assert_eq!(agree(1, 7), Some(1));
/// assert_eq!(agree(2, 7), None);
/// assert_eq!(agree(7, 1), None);
/// ```
pub const fn agree(min: u16, max: u16) -> Option<u16> {
    if min > max || min > VERSION_MAX || max < VERSION_MIN {
        return None;
    }
    Some(if max < VERSION_MAX { max } else { VERSION_MAX })
}
