//! Who somebody is: access tokens, refresh tokens, and nonces for the proof that a token is its device's.

mod eddsa;
pub mod keys;
mod nonces;
mod refresh;
mod tokens;

pub use nonces::Nonces;
pub use refresh::RefreshToken;
pub use tokens::{AccessTokens, Claims, TokenError};
