//! What Redis promises of a write, by its settings: durable is only what it flushes before it
//! answers.

use redis::{Pipeline, RedisError, Value};

use super::link::{Link, message};
use crate::queue::Durability;

/// The settings that decide, and what each has to be.
const NEEDED: [(&str, &str); 4] = [
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    ("no-appendfsync-on-rewrite", "no"),
    ("maxmemory-policy", "noeviction"),
];

/// Appends the command that reads the settings.
pub(super) fn ask(commands: &mut Pipeline) {
    commands.cmd("CONFIG").arg("GET").arg(NEEDED.map(|(name, _)| name).as_slice());
}

/// What the settings promise.
pub(super) fn judge(settings: &Result<Value, RedisError>) -> Durability {
    let settings: Vec<(String, String)> = match settings {
        Ok(settings) => match redis::from_redis_value_ref(settings) {
            Ok(settings) => settings,
            Err(error) => return Durability::AtRisk(format!("the answer to CONFIG GET is not understood: {error}")),
        },
        Err(error) => return Durability::AtRisk(format!("CONFIG GET is refused: {}", message(error))),
    };
    let value = |wanted: &str| settings.iter().find(|(name, _)| name == wanted).map_or("not known", |(_, value)| value);
    let wrong: Vec<_> = NEEDED
        .iter()
        .filter(|(name, needed)| value(name) != *needed)
        .map(|(name, needed)| format!("{name} is {} and has to be {needed}", value(name)))
        .collect();
    match wrong.is_empty() {
        true => Durability::Flushed,
        false => Durability::AtRisk(wrong.join("; ")),
    }
}

/// Whether an append-only file is there. One that was only just switched on is written first, which may
/// fail, and what comes meanwhile would be lost with it.
pub(super) async fn is_file_there(link: &Link) -> Result<bool, RedisError> {
    let mut info = redis::cmd("INFO");
    let info: String = link.run(info.arg("persistence")).await?;
    let says = |what: &str| info.lines().any(|line| line.trim_end() == what);
    let written = says("aof_rewrite_in_progress:0") && says("aof_rewrite_scheduled:0");
    Ok(written && says("aof_last_bgrewrite_status:ok") && says("aof_last_write_status:ok"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(settings: &[(&str, &str)]) -> Durability {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        judge(&Ok(Value::Array(settings.iter().flat_map(|(name, value)| [text(name), text(value)]).collect())))
    }

    #[test]
    fn anything_less_than_a_flush_for_each_answer_is_named() {
        assert_eq!(judged(&NEEDED), Durability::Flushed);
        let mut settings = NEEDED;
        settings[1].1 = "everysec";
        let risk = Durability::AtRisk("appendfsync is everysec and has to be always".to_owned());
        assert_eq!(judged(&settings), risk);
        let Durability::AtRisk(why) = judged(&settings[1..]) else { panic!("one is not known") };
        assert!(why.contains("appendonly is not known") && why.contains("appendfsync"), "{why}");
    }
}
