//! EdDSA for the token library, by the Ed25519 that signs commits: one implementation in the process, and no RSA.

use std::sync::Once;

use ed25519_zebra::{Signature, SigningKey, VerificationKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// Makes it what the library uses in this process.
pub(super) fn install() {
    static PROVIDER: CryptoProvider =
        CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };
    static ONCE: Once = Once::new();
    // Another provider that is there already does the same.
    ONCE.call_once(|| _ = PROVIDER.install_default());
}

struct Secret(SigningKey);
struct Public(VerificationKey);

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let seed: [u8; 32] = key.as_bytes().try_into().map_err(|_| ErrorKind::InvalidKeyFormat)?;
    only_eddsa(algorithm)?;
    Ok(Box::new(Secret(SigningKey::from(seed))))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let key: [u8; 32] = key.try_get_as_bytes()?.try_into().map_err(|_| ErrorKind::InvalidKeyFormat)?;
    only_eddsa(algorithm)?;
    Ok(Box::new(Public(VerificationKey::try_from(key).map_err(|_| ErrorKind::InvalidEddsaKey)?)))
}

fn only_eddsa(algorithm: &Algorithm) -> Result<()> {
    if *algorithm == Algorithm::EdDSA { Ok(()) } else { Err(ErrorKind::InvalidAlgorithm.into()) }
}

impl Signer<Vec<u8>> for Secret {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl JwtSigner for Secret {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl Verifier<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let signature: [u8; 64] = signature.as_slice().try_into().map_err(|_| Error::new())?;
        self.0.verify(&Signature::from_bytes(&signature), message).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
