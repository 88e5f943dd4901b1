//! The scripts that Redis runs for the queue, each as one step that nobody sees half of. What they
//! take and return is said in the files.

use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Script};

pub(super) static WRITE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("write.lua")));
pub(super) static READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("read.lua")));
pub(super) static FETCH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("fetch.lua")));
pub(super) static ACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("ack.lua")));
pub(super) static BURY: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("bury.lua")));
pub(super) static LIVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("live.lua")));
pub(super) static MAKE_GROUP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("make_group.lua")));
pub(super) static TAKE_OVER: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take_over.lua")));

/// Makes all of them known to the server.
pub(super) async fn load(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let mut commands = redis::pipe();
    for code in [
        include_str!("write.lua"),
        include_str!("read.lua"),
        include_str!("fetch.lua"),
        include_str!("ack.lua"),
        include_str!("bury.lua"),
        include_str!("live.lua"),
        include_str!("make_group.lua"),
        include_str!("take_over.lua"),
    ] {
        commands.cmd("SCRIPT").arg("LOAD").arg(code).ignore();
    }
    commands.exec_async(connection).await
}

/// The command that runs a script on those keys; its arguments come after them.
pub(super) fn call(script: &Script, keys: &[&str]) -> Cmd {
    let mut command = redis::cmd("EVALSHA");
    command.arg(script.get_hash()).arg(keys.len()).arg(keys);
    command
}
