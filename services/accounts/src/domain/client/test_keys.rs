//! Key pairs for tests. Whatever is signed with them is known to everybody.
#![allow(unreachable_pub, dead_code)] // the tests that include this use a part of it each

use base64::{Engine as _, engine::general_purpose};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

/// A key pair with an algorithm that it can sign with.
pub struct Pair {
    algorithm: Algorithm,
    key: EncodingKey,
}

/// RSA of 2048 bits.
pub fn rsa() -> Pair {
    Pair { algorithm: Algorithm::RS384, key: EncodingKey::from_rsa_der(&der(RSA_2048)) }
}

/// RSA of 1024 bits.
pub fn weak_rsa() -> Pair {
    Pair { algorithm: Algorithm::RS384, key: EncodingKey::from_rsa_der(&der(RSA_1024)) }
}

/// P-384.
pub fn p384() -> Pair {
    Pair { algorithm: Algorithm::ES384, key: EncodingKey::from_ec_der(&der(P_384)) }
}

/// P-256.
pub fn p256() -> Pair {
    Pair { algorithm: Algorithm::ES256, key: EncodingKey::from_ec_der(&der(P_256)) }
}

/// One of many of Ed25519.
pub fn ed25519(seed: u8) -> Pair {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([seed; 32]);
    Pair { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) }
}

impl Pair {
    /// The public half as a JSON Web Key.
    pub fn jwk(&self, key_id: &str) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = key_id.into();
        jwk
    }

    /// A set of this key alone.
    pub fn jwks(&self, key_id: &str) -> String {
        json!({ "keys": [self.jwk(key_id)] }).to_string()
    }

    /// The header of what it signs.
    pub fn header(&self, key_id: &str) -> Value {
        json!({ "typ": "JWT", "alg": format!("{:?}", self.algorithm), "kid": key_id })
    }

    /// A token with whatever header and claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// The same of texts that need not be JSON.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = crypto::sign(signed.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

/// As the parts of a token are written.
pub fn encode(text: &str) -> String {
    general_purpose::URL_SAFE_NO_PAD.encode(text)
}

fn der(text: &str) -> Vec<u8> {
    general_purpose::STANDARD.decode(text.split_whitespace().collect::<String>()).unwrap()
}

const RSA_2048: &str = "MIIEogIBAAKCAQEAp8wRkcvQVB4Cc830cICE41mp14bTtnq+Oa5xtgIG4Aj1Uvn9hqcRKBh1wSwUDSxo5yryhazAxkbsaV3G \
     oyU6ZdkFvS7XIXHH3JJ0qgITRcN5zsZ3yfJmvYTxN/IKtxFdMkKMZIxXljKb1js5N1+JlxNsdFNIrM6V92uXCa1rZDq/b/MR \
     XxYtYKcyFJjdVZmwNAga5jUT3CrgDmAs5MpBu4bKplKTx0nCF1dTebMyyiXP0YmnsJauPKcoBCYPVjw6IqHIy2JV5RKBBgQd \
     Sd6J+7RAjE6dZqq0UubBPP4m5L+4B+wv4o6v0Nv9MFlOvTMipS/LYaeeoepeBUOs1O5i6wIDAQABAoIBAAkG08lr8L1BIb6k \
     OwFq6s14yFoY1JDUEdiGh3MvjHEiV/OhfuQlp82fGPMpg7szZ6+UeSqgoOo3bIZhaYIH3Rg8GYvvsZEI4TZIBqwSo6Z91Nc/ \
     P29QKI1UCM6KqTrnpqhBXjvNWYco0PR5h/6UvCNo3xaYDzqpMvYamFB2Px25Rr0tH+XLgNHHmiVCzLbXWXD6A/knO6YdoOFk \
     rsy9IeQIc5VOQQ9N2Yhj0nEvywJbxugHjYvWX7RcAySS7w3Gh5ic9D8Qs0La79afIEmmZV2uDkUNrDsqIVhUxj6VuGJ7XfCN \
     tQ2tDzKE0uaJjOwd4qaUE/IeBdFeqElhV0PT2ikCgYEA1nqj6hDun5+pjVgnZucp+clV/H6OgORmwS8biZ73JfDtNnHjCqNq \
     Di7xI11CwQxXUARklFO0/eXgW6itIlMxTzTT5Ad8fUPzvu0rLKndcTLr10fDZ+kidTGC8lGS5MqeR6U6zentt1GNuNEo/dmZ \
     9grk7PJRKwYzlcvfumdS5icCgYEAyEfru0OTa+K27Kx7nAIoCLb6acZNK+p9MGFpKHxch0QzY60JLXkjPnyTQDr7SR6QAzu9 \
     12CfKu2Po38JVlodRaHSenhAAc0+YzbkCRScjwXXB9sFf6Ot5+EOmkKLxR8eDs+Ih843CdnkrdSh48mIupahMrFK8SsBgSJL \
     rcF5+50CgYBe2CrmFgi/08YRuBrseWrph6wblQeFXftGkINX71ERmSH9Ao3JJYx/qyh9X/9mCQQPYXHs2btez6nQPp4ZYLqc \
     cRsGan0Vk9gU5SJDhPZk2YTLVXPG3qSbOILUj1grDqLBwgJoDntNpqXKRcwfvXtE/3pOgbV9Fif3pQlRj+Fr3wKBgAC5advS \
     gbz5I+o1MXk99MEbUEqDohHPlkZPg97WnEsM7xakMI1Oi9cVAj9QN0prZt/sHmKiAdFY7JUNx43dY4+15xn0R176TAh10VtL \
     DMnjnoRzwVBV2jIleTULmo/K7gPlsjuzfjV16ULLqw40017BXrHdPEUk/6tk4VsugO9tAoGAOXKO7hX+tZl55A5FV9jTOt+w \
     ugf9QCaHouTBBnooFb40xZYBmQZ1g3v4eQhTlyazwCQP47rbBcJU3622hJvwC8J74LYsFeI2Qy/6QaB9mqeQGnLNC7tkfvMC \
     a36hB3SsXHbFbYousgiTQ739iV47QXC98wy/vg1nLhNH8l4Q1Rs=";

const RSA_1024: &str = "MIICXgIBAAKBgQDIzvcgcby1UP4dduI5nZsmVLGGEdFlNYJhO5ukpUeqz1sPAreyRHe49LlwccgtbsDDUaGMU+mTi7+OtEcl \
     GaqnWcLeAZQi0+3esMRxoQV/dATs0oK4FBmSZstZ1vdgNr7xzHiWCMMJ2wcnxweESK+nOn277X/Bw64maEmiUmEdQwIDAQAB \
     AoGAI11/3HDrgStQdbP4R5lgN7H2ydvdeuufmKw8zxRkuMpoCQ67d2Pjielft1Pyoz28KSn5P5OPsXKNO/64AOqySRLZCuCh \
     ou4moGwtyQX9gZV/71sn8vlRMhvRf14qS499IxtMVi2OCMxfKNBajz2hYbLv0EeZvpgn55u1ldgI+NECQQDxwPWhwgbdsA3o \
     zuwzwyFRbL8wDpJui5Op06nwhB0WDTkx4ff0vglETVCDH6tAgHo74cUNI9/dazczTwM2Uc+VAkEA1KRQlSE2XFKyPmUahlro \
     eIeoTzS1svKSQZFHTrP9OLjC11+fgAfgur85+fjNXHQ24TWk0urZeSt5LJzmOgdjdwJBANoQbsBhDuZqxrEn7QFn0qbqy63i \
     hw0105VNeq2bzcy1UtD+/jWCMUOt5aDRMRz2hst7A86tfGHyMxGSBNi7hN0CQQCUvhfMKX5QGFysfqaOQvsIjMQ0G4faFAow \
     qUH7ELZZvgw1AaOduGT/3JHehKaKPJTC9nZEP5k+RCWwClSVVOPDAkEAwwP8rkPhT1mfuyncwmADa+xfrgQNUWnXPR9ffam4 \
     Z8XkA1ef6vDwAxCrf/I6Jb7LlVhhzfOQiIEXCcvg5LgKSg==";

const P_384: &str = "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDD7JsdHLjk52ji1QS4ufy8NEgAIbFnJiJHunuycOMMcCMCBXsNE \
     tbyFSreCdVAcUruhZANiAASHzGl23LRz1AMvGNqGMLrq4yblrgobz1+UfnOpYsiT1A6LvC23uRWel9DDPQ+gNUgBX2ghsHXj \
     jdyJrUvIivBz7mT3TGAtWSq94VNVfE6fCroeLoAIzwtY+gmqtg0OHoM=";

const P_256: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguLcLA8+BjGe73BZTo4RxX5O4CPjwUAQXwnX6JBXTKmOhRANC \
     AAQU91519tBLvjstYBJkGtPIJ8oWBrUm/TbN2fUWyuojA8OefccNH/ruEDYCaQyh9thdoENDwHqnvY5ASVJQkyL7";
