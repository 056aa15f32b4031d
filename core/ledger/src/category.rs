//! The tree of categories: which one is above which.
//!
//! A parent that is unknown or deleted is none. Where links lead round, the one of the greatest id in the circle is none:
//! taken in the order of ids, it is the one that would close it. So every replica shows the same tree, whatever was moved
//! where at once.

use crate::id::DocumentId;
use crate::limits::CATEGORY_DEPTH_MAX;

/// What joins the folded names of a category's path in the fact that it is made of.
pub const FACT_SEPARATOR: &str = "\u{1f}";

/// Where categories are looked up.
pub trait Tree {
    /// What a category is known by here.
    type Key: Copy + Eq;
    /// Why looking one up may fail.
    type Error;

    /// The category that a category names as its parent, if both are held and not deleted.
    ///
    /// # Errors
    ///
    /// When it cannot be looked up.
    fn named_parent(&mut self, of: Self::Key) -> Result<Option<Self::Key>, Self::Error>;

    /// The id of a category.
    ///
    /// # Errors
    ///
    /// When it cannot be looked up.
    fn id(&mut self, of: Self::Key) -> Result<DocumentId, Self::Error>;
}

/// The category above another one.
///
/// # Errors
///
/// Those of the tree.
pub fn parent<T: Tree>(tree: &mut T, of: T::Key) -> Result<Option<T::Key>, T::Error> {
    let Some(parent) = tree.named_parent(of)? else { return Ok(None) };
    let mut circle = Vec::new();
    let mut above = Some(parent);
    while let Some(next) = above.filter(|next| *next != of) {
        // Longer than any path that counts, so not a circle that anything shown goes round.
        if circle.len() >= CATEGORY_DEPTH_MAX {
            return Ok(Some(parent));
        }
        circle.push(next);
        above = tree.named_parent(next)?;
    }
    if above.is_none() {
        return Ok(Some(parent));
    }
    let own = tree.id(of)?;
    for other in circle {
        if tree.id(other)? > own {
            return Ok(Some(parent));
        }
    }
    Ok(None)
}

/// A category that is held and those above it, from the bottom.
///
/// ```
/// use outlay_ledger::DocumentId;
/// use outlay_ledger::category::{Tree, path};
///
/// /// Links from each category to another one, by place.
/// struct Links(Vec<Option<usize>>);
///
/// impl Tree for Links {
///     type Key = usize;
///     type Error = std::convert::Infallible;
///     fn named_parent(&mut self, of: usize) -> Result<Option<usize>, Self::Error> {
///         Ok(self.0[of])
///     }
///     fn id(&mut self, of: usize) -> Result<DocumentId, Self::Error> {
///         Ok(DocumentId([of as u8; 16]))
///     }
/// }
///
/// assert_eq!(path(&mut Links(vec![None, Some(0), Some(1)]), 2), Ok(vec![2, 1, 0]));
/// assert_eq!(path(&mut Links(vec![Some(1), Some(0)]), 0), Ok(vec![0, 1]), "the link of the greater id closes a circle");
/// ```
///
/// # Errors
///
/// Those of the tree.
pub fn path<T: Tree>(tree: &mut T, of: T::Key) -> Result<Vec<T::Key>, T::Error> {
    let mut path = Vec::new();
    let mut next = Some(of);
    while let Some(category) = next.filter(|_| path.len() < CATEGORY_DEPTH_MAX) {
        path.push(category);
        next = parent(tree, category)?;
    }
    Ok(path)
}
