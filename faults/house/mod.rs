//! Everything that can break, together: our processes, the servers they use, and the disk under all of
//! them, started and restarted on the same ports.

mod pair;
mod program;
mod proxy;
mod site;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use the_eye::clock::Stopwatch;

pub use pair::{Kind, Pair};
pub use program::{Launch, Program};
pub use proxy::{Link, Proxy};
pub use site::Site;

use crate::servers::{Postgres, Redis, Spot, free_port};

/// One set of everything.
pub struct House {
    pub pair: Pair,
    pub site: Site,
    pub api: Program,
    /// None where the API's process stores too.
    pub worker: Option<Program>,
    pub postgres: Option<Postgres>,
    pub redis: Option<Redis>,
    /// Between our processes and the servers, where a case wants to break what is between.
    pub to_postgres: Option<Proxy>,
    pub to_redis: Option<Proxy>,
    /// Logs and accounts, on another disk than the data.
    notes: TempDir,
}

/// How a house is built.
pub struct Plan<'a> {
    pub pair: Pair,
    pub site: Site,
    pub launch: Launch,
    /// Settings of the servers.
    pub postgres: &'a [(&'a str, &'a str)],
    pub redis: &'a [(&'a str, &'a str)],
    /// What is between our processes and the servers, where something is.
    pub proxies: Option<Link>,
}

impl Plan<'_> {
    /// That pair in a temporary folder.
    pub fn of(pair: Pair) -> Self {
        Self { pair, site: Site::folder(), launch: Launch::default(), postgres: &[], redis: &[], proxies: None }
    }
}

impl House {
    /// Starts all of it.
    pub async fn build(plan: Plan<'_>) -> Self {
        let Plan { pair, site, mut launch, .. } = plan;
        let parent = std::env::var("FAULTS_NOTES").unwrap();
        let notes = tempfile::Builder::new().prefix("notes.").tempdir_in(parent).unwrap();
        let note = |name: &str| notes.path().join(name);
        let postgres = match pair.store {
            Kind::Server => {
                let folder = site.new_folder("postgres");
                Some(Postgres::start_in(Spot::given(&folder, &note("postgres.log")), plan.postgres).await)
            }
            Kind::File => None,
        };
        let redis = match pair.queue {
            Kind::Server => {
                let folder = site.new_folder("redis");
                Some(Redis::start_in(Spot::given(&folder, &note("redis.log")), plan.redis).await)
            }
            Kind::File => None,
        };
        let proxy = async |port: Option<u16>| match (port, plan.proxies) {
            (Some(port), Some(link)) => Some(Proxy::start(port, link).await),
            _ => None,
        };
        let to_postgres = proxy(postgres.as_ref().map(|server| server.port())).await;
        let to_redis = proxy(redis.as_ref().map(|server| server.port())).await;
        let seen = |proxy: &Option<Proxy>, port: u16| proxy.as_ref().map_or(port, |proxy| proxy.port);
        if let Some(server) = &postgres {
            let port = seen(&to_postgres, server.port());
            launch.set("EYE_DATABASE_URL", &format!("postgres://postgres@127.0.0.1:{port}/postgres"));
        }
        if let Some(server) = &redis {
            launch.set("EYE_QUEUE_URL", &format!("redis://127.0.0.1:{}", seen(&to_redis, server.port())));
        }
        let folder = site.new_folder("eye");
        // What was made so far is no part of what is under test.
        site.flush();
        let serve = if pair.apart { vec!["serve", "--no-worker"] } else { vec!["serve"] };
        launch.folder = folder;
        let api = Program::start(launch.with(&serve, note("api.log")), Some(free_port())).await;
        let worker = match pair.apart {
            true => Some(Program::start(launch.with(&["worker"], note("worker.log")), None).await),
            false => None,
        };
        Self { pair, site, api, worker, postgres, redis, to_postgres, to_redis, notes }
    }

    /// A file for an account.
    pub fn note(&self, name: &str) -> PathBuf {
        self.notes.path().join(name)
    }

    /// Our processes.
    pub fn programs(&mut self) -> impl Iterator<Item = &mut Program> {
        std::iter::once(&mut self.api).chain(&mut self.worker)
    }

    /// SIGKILL to everything.
    pub async fn kill_all(&mut self) {
        for program in self.programs() {
            program.kill().await;
        }
        if let Some(server) = &mut self.postgres {
            server.kill().await;
        }
        if let Some(server) = &mut self.redis {
            server.kill().await;
        }
    }

    /// Cuts off the torn end of Redis's file where it has one that Redis would not start with.
    pub fn repair_redis(&self) -> bool {
        let manifest = self.site.root().join("redis/appendonlydir/appendonly.aof.manifest");
        let check = |fix: &[&str]| {
            let mut check = Command::new("redis-check-aof");
            let mut child = check.args(fix).arg(&manifest).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            let _ = child.stdin.take().expect("it was asked for").write_all(b"y\n");
            child.wait().unwrap().success()
        };
        let broken = manifest.exists() && !check(&[]);
        if broken {
            assert!(check(&["--fix"]), "Redis's file cannot be mended");
        }
        broken
    }

    /// Starts everything again, and says how long our part of it took.
    pub async fn start_all(&mut self) -> Duration {
        if let Some(server) = &mut self.postgres {
            server.restart().await;
        }
        if let Some(server) = &mut self.redis {
            server.restart().await;
        }
        let watch = Stopwatch::start();
        for program in self.programs() {
            program.restart().await;
        }
        watch.elapsed()
    }

    /// Waits until everything is stored, and says how long that took.
    pub async fn drained(&self) -> Duration {
        let watch = Stopwatch::start();
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while self.api.metric("eye_queue_depth").await != Some(0.0) {
            looks.tick().await;
            assert!(watch.elapsed() < Duration::from_secs(600), "the queue is not stored: {}", self.logs());
        }
        watch.elapsed()
    }

    /// Waits until more is stored than now; clients have to send meanwhile.
    pub async fn more_is_stored(&self) {
        let (watch, mut before) = (Stopwatch::start(), None);
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        loop {
            // While the store is away nobody knows how much it has.
            match (before, self.stored().await) {
                (None, now) => before = now,
                (Some(before), Some(now)) if now > before => return,
                _ => (),
            }
            looks.tick().await;
            assert!(watch.elapsed() < Duration::from_secs(90), "nothing is stored any more: {}", self.logs());
        }
    }

    /// Waits until fewer events than that are in the queue; false if they are not by then.
    pub async fn is_shorter_than(&self, depth: f64, most: Duration) -> bool {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let shorter = async {
            while self.api.metric("eye_queue_depth").await.is_none_or(|now| now >= depth) {
                looks.tick().await;
            }
        };
        tokio::time::timeout(most, shorter).await.is_ok()
    }

    /// How many events are stored, if that can be said now.
    async fn stored(&self) -> Option<u64> {
        let answer = reqwest::get(format!("{}/events?page_size=1", self.api.base)).await.ok()?;
        let list: serde_json::Value = serde_json::from_str(&answer.text().await.ok()?).ok()?;
        list["count"].as_u64()
    }

    /// The most memory that one of our processes has taken, in bytes.
    pub fn peak_memory(&mut self) -> u64 {
        self.programs().map(|program| program.peak_memory()).max().unwrap_or(0)
    }

    /// What our processes said.
    pub fn logs(&self) -> String {
        let worker = self.worker.as_ref().map(Program::log).unwrap_or_default();
        format!("{}\n{worker}", self.api.log())
    }
}
