//! docker-compose.yml and Dockerfile, against what they name: files, settings, commands. No image is
//! built here; a test machine may not have Docker, nor reach a registry.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tokio::process::Command;

use crate::support::process::{Process, run};

/// A file of the repository.
fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Each value of docker-compose.yml and where it is, such as `services/app/ports/-`. It reads blocks
/// alone: a value is what stands on one line.
fn compose() -> Vec<(String, String)> {
    let text = read("docker-compose.yml");
    let mut path: Vec<(usize, &str)> = Vec::new();
    let mut values = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')) {
        let trimmed = line.trim_start();
        let depth = line.len() - trimmed.len();
        path.retain(|(outer, _)| *outer < depth);
        let (key, value) = match trimmed.strip_prefix("- ") {
            Some(item) => ("-", item),
            None => trimmed.split_once(':').unwrap(),
        };
        path.push((depth, key));
        let place = path.iter().map(|(_, key)| *key).collect::<Vec<_>>().join("/");
        values.push((place, value.trim().trim_matches('"').to_owned()));
    }
    values
}

/// The values of the services at a place within one, each with the service's name.
fn of_services(place: &str) -> Vec<(String, String)> {
    let of_service = |(path, value): (String, String)| {
        let (service, rest) = path.strip_prefix("services/")?.split_once('/')?;
        (rest == place).then(|| (service.to_owned(), value))
    };
    compose().into_iter().filter_map(of_service).collect()
}

/// The words of a command in its JSON form.
fn words(command: &str) -> Vec<String> {
    serde_json::from_str(command).unwrap_or_else(|error| panic!("{error}: {command}"))
}

/// The Dockerfile's instructions of that name, each on one line.
fn instructions(name: &str) -> Vec<String> {
    let text = read("Dockerfile").replace("\\\n", " ");
    let of_name = |line: &str| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned);
    text.lines().filter_map(of_name).collect()
}

/// What the Dockerfile copies out of the repository.
fn copied() -> BTreeSet<String> {
    let from_here = instructions("COPY").into_iter().filter(|words| !words.starts_with("--from"));
    let sources = from_here.flat_map(|words| {
        let mut words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        words.pop().unwrap();
        words
    });
    sources.collect()
}

fn names(text: &str) -> BTreeSet<&str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').collect()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

#[test]
fn every_variable_is_in_the_example() {
    let (text, example) = (read("docker-compose.yml"), read(".env.example"));
    let line = |start: &str| example.lines().any(|line| line.starts_with(start));
    let used: Vec<_> = text.split("${").skip(1).map(|rest| rest.split_once('}').unwrap().0).collect();
    assert!(used.len() >= 5);
    for variable in used {
        let name = variable.split(':').next().unwrap();
        assert!(line(&format!("{name}=")) || line(&format!("#{name}=")), "{name} is not in .env.example");
        // Without a default it has to be set by the copy that people make.
        assert!(variable.contains(":-") || line(&format!("{name}=")), "{name} is not set in .env.example");
    }
    // Alone The Eye stores in SQLite: the copy must not lead it to a PostgreSQL.
    assert!(!line("POSTGRES_HOST=") && !line("EYE_"), "{example}");
}

#[tokio::test]
async fn every_setting_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let help = String::from_utf8(run(folder.path(), &["--help"]).await.stdout).unwrap();
    let environment = instructions("ENV").join(" ");
    let in_image = names(&environment).into_iter().filter(|name| name.starts_with("EYE_")).map(str::to_owned);
    let in_services = compose().into_iter().filter_map(|(place, _)| {
        let name = place.split_once("/environment/")?.1;
        name.starts_with("EYE_").then(|| name.to_owned())
    });
    let set: BTreeSet<String> = in_image.chain(in_services).collect();
    assert!(set.len() >= 4, "{set:?}");
    for name in set {
        assert!(names(&help).contains(name.as_str()), "{name} is no setting");
    }
}

#[tokio::test]
async fn every_command_is_one() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(instructions("ENTRYPOINT"), [r#"["the-eye"]"#]);
    let of_ours = of_services("build").into_iter().map(|(service, _)| {
        let commands = of_services("command").into_iter();
        commands.filter(|(other, _)| *other == service).map(|(_, command)| command).collect()
    });
    for command in of_ours.chain(instructions("CMD")) {
        let mut arguments = words(&command);
        arguments.push("--help".to_owned());
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        assert!(run(folder.path(), &arguments).await.status.success(), "{command}");
    }
    assert_eq!(of_services("command").len(), 3);
}

#[test]
fn every_path_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copied = copied();
    assert!(copied.len() >= 8, "{copied:?}");
    for path in &copied {
        assert!(root.join(path).exists(), "{path} is copied");
    }
    assert!(of_services("build").iter().all(|(_, path)| root.join(path).join("Dockerfile").exists()));
    // Which is made from the example.
    assert!(of_services("env_file").iter().all(|(_, path)| path == ".env"));
    assert_eq!((of_services("build").len(), of_services("env_file").len()), (2, 2));
}

#[tokio::test]
async fn what_is_copied_is_what_a_build_reads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    for path in copied() {
        copy(&root.join(&path), &folder.path().join(&path));
    }
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));

    let mut sources = vec![folder.path().join("src")];
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            sources.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let included =
            text.split("include_str!(\"").skip(1).map(|rest| path.with_file_name(rest.split('"').next().unwrap()));
        let templates = text.split("template(path = \"").skip(1);
        let templates = templates.map(|rest| folder.path().join("templates").join(rest.split('"').next().unwrap()));
        for file in included.chain(templates) {
            assert!(file.exists(), "{} reads {}", path.display(), file.display());
        }
    }
}

#[test]
fn redis_keeps_what_it_acknowledges() {
    let (_, command) = of_services("command").into_iter().find(|(service, _)| service == "redis").unwrap();
    let words = words(&command);
    for (name, value) in [
        ("--appendonly", "yes"),
        ("--appendfsync", "always"),
        ("--no-appendfsync-on-rewrite", "no"),
        ("--maxmemory-policy", "noeviction"),
    ] {
        assert!(words.windows(2).any(|pair| pair == [name, value]), "{name} {value} in {words:?}");
    }
}

#[test]
fn one_port_is_published_and_only_to_this_machine() {
    let published: Vec<_> = compose().into_iter().filter(|(place, _)| place.contains("/ports/")).collect();
    assert_eq!(published, [("services/app/ports/-".to_owned(), "127.0.0.1:8000:8000".to_owned())]);
    assert!(!compose().iter().any(|(place, _)| place.ends_with("/network_mode")));
    assert_eq!(instructions("EXPOSE"), ["8000"]);
}

#[test]
fn every_volume_is_declared_and_used() {
    let values = compose();
    let declared: BTreeSet<_> = values.iter().filter_map(|(place, _)| place.strip_prefix("volumes/")).collect();
    let mounts = of_services("volumes/-");
    let used: BTreeSet<_> = mounts.iter().map(|(_, mount)| mount.split_once(':').unwrap().0).collect();
    assert_eq!(declared, used);
    assert!(
        mounts
            .iter()
            .any(|(service, mount)| service == "app" && *mount == format!("app:{}", instructions("VOLUME")[0]))
    );
}

#[tokio::test]
async fn a_container_is_healthy_while_it_serves() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    let address = server.base.strip_prefix("http://").unwrap().to_owned();
    let check = instructions("HEALTHCHECK");
    let words = words(check[0].split_once("CMD ").unwrap().1);
    let healthy = async || {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env("EYE_LISTEN", &address).output().await.unwrap().status.code()
    };
    assert_eq!(healthy().await, Some(0));
    server.kill().await;
    assert_eq!(healthy().await, Some(1));
}

#[tokio::test]
async fn docker_compose_takes_it() {
    let compose = async |folder: &Path, arguments: &[&str]| {
        Command::new("docker").arg("compose").args(arguments).current_dir(folder).output().await
    };
    let folder = tempfile::tempdir().unwrap();
    // Where it is not installed there is nothing to ask.
    if !compose(folder.path(), &["version"]).await.is_ok_and(|output| output.status.success()) {
        return;
    }
    fs::write(folder.path().join("docker-compose.yml"), read("docker-compose.yml")).unwrap();
    fs::write(folder.path().join(".env"), read(".env.example")).unwrap();
    let output = compose(folder.path(), &["config", "-q"]).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
