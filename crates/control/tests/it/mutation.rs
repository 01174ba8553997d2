//! Messages of a worker with parts of them replaced by what a broken or hostile one could say.

use serde_json::{Map, Value, json};

/// xorshift64*: the same seed says the same.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// One to three places of it are other than they were.
pub fn mutated(message: &Value, rng: &mut Rng) -> Value {
    let mut mutant = message.clone();
    for _ in 0..=rng.below(3) {
        let places = count(&mutant);
        let mut at = rng.below(places);
        spoil(&mut mutant, &mut at, rng);
    }
    mutant
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Goes through the places in their order until `at` are behind it. Whether it was done.
fn spoil(value: &mut Value, at: &mut usize, rng: &mut Rng) -> bool {
    if *at == 0 {
        *value = nasty(value, rng);
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| spoil(item, at, rng)),
        Value::Object(fields) => fields.values_mut().any(|field| spoil(field, at, rng)),
        _ => false,
    }
}

fn nasty(old: &Value, rng: &mut Rng) -> Value {
    match (old, rng.below(12)) {
        (Value::Array(items), 0..4) => {
            items.iter().cycle().take(items.len() * 3).cloned().collect()
        }
        (Value::Object(fields), 0..4) => {
            let kept = fields.iter().filter(|_| rng.below(2) == 0);
            kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into()
        }
        (Value::String(text), 0) => json!(format!("{text}{text}")),
        (Value::String(text), 1) => json!(format!("../{text}")),
        (Value::String(text), 2) => json!(format!("{text}\0")),
        (Value::Number(_), 0) => json!(u64::MAX),
        (Value::Number(_), 1) => json!(i64::MAX),
        (Value::Number(_), 2) => json!(rng.below(1_000)),
        (_, 4) => json!(-1),
        (_, 5) => json!(1e300),
        (_, 6) => json!("x".repeat(5_000)),
        (_, 7) => json!("\u{0}\u{202e}\u{fffd}"),
        (_, 8) => json!([[[[[[[[]]]]]]]]),
        (_, 9) => json!(true),
        (_, 10) => json!({}),
        (_, 11) => Value::Null,
        _ => json!(""),
    }
}
