//! Starting nginx, HAProxy and LiteLLM, each with a folder and a port of its own, in front of a simulated upstream.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use llmdoctor::sim::{Server, Tempo, scenario};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the simulator's healthy gateway takes.
pub const UPSTREAM_KEY: &str = "sk-simulated-5f2b9c71e04d48a6b3d0c8e7";
/// What LiteLLM takes.
pub const LITELLM_KEY: &str = "sk-real-master-key";

/// A simulated upstream on a thread of its own; it knows what it was asked.
pub struct Upstream {
    pub port: u16,
    server: Arc<Server>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Upstream {
    pub fn start(id: &str, tempo: Tempo) -> Self {
        let scenario = scenario(id).unwrap_or_else(|| panic!("no scenario {id}"));
        let (ready, started) = channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let server = Arc::new(Server::start(scenario, tempo).await.expect("a port on loopback"));
                ready.send(Arc::clone(&server)).expect("a test that waits");
                let _ = stopped.await;
            });
        });
        let server = started.recv().expect("a server");
        Upstream { port: server.addr().port(), server, _stop: stop }
    }

    /// How many chats arrived here.
    pub fn chats(&self) -> usize {
        self.server.requests().iter().filter(|request| request.is_chat()).count()
    }
}

/// A server in a process that ends with its test.
pub struct Running {
    child: Child,
    pub port: u16,
    folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// How many requests stand in nginx's access log.
    pub fn logged(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("access.log")).expect("an access log").lines().count()
    }

    /// How many requests HAProxy has counted.
    pub fn counted(&self) -> u64 {
        let mut socket = UnixStream::connect(self.folder.path().join("stats")).expect("HAProxy's socket");
        socket.write_all(b"show info\n").expect("a question");
        let mut text = String::new();
        socket.read_to_string(&mut text).expect("an answer");
        let count = text.lines().find_map(|line| line.strip_prefix("CumReq: ")).expect("a count");
        count.parse().expect("a number")
    }
}

/// The program's path, or a visible skip.
fn program(name: &str) -> Option<PathBuf> {
    let variable = format!("LLMDOCTOR_{}", name.to_uppercase());
    let given = std::env::var_os(variable).map(PathBuf::from);
    let search = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&search).chain([PathBuf::from("/usr/sbin")]);
    let found = given.into_iter().chain(folders.map(|folder| folder.join(name))).find(|path| path.is_file());
    if found.is_none() {
        assert_ne!(std::env::var("LLMDOCTOR_REAL").as_deref(), Ok("require"), "{name} is not installed");
        let _ = writeln!(std::io::stderr(), "SKIPPED: {name} is not installed");
    }
    found
}

/// nginx with this inside its `server` block; `{folder}` is its folder, where `files` are written first.
pub fn nginx(listen: &str, server: &str, files: &[(&str, &str)]) -> Option<Running> {
    let exe = program("nginx")?;
    let folder = TempDir::new().expect("a folder");
    let (port, root) = (free_port(), folder.path().display().to_string());
    for (name, text) in files {
        write(&folder, name, text);
    }
    let temporary: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {root}/{kind};")).concat();
    let server = server.replace("{folder}", &root);
    let config = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log; events {{ worker_connections 64; }}
         http {{ access_log {root}/access.log; default_type text/html; {temporary} server {{ listen 127.0.0.1:{port} {listen}; {server} }} }}"
    );
    let path = write(&folder, "nginx.conf", &config);
    let mut command = Command::new(exe);
    command.args(["-e", &format!("{root}/start.log"), "-p", &root, "-c"]).arg(path);
    Some(start(&mut command, port, folder))
}

/// nginx that forwards everything, with these directives beside `proxy_pass`.
pub fn nginx_proxy(upstream: &Upstream, directives: &str) -> Option<Running> {
    nginx("", &format!("location / {{ proxy_pass http://127.0.0.1:{}; {directives} }}", upstream.port), &[])
}

/// HAProxy in front of a port.
pub fn haproxy(upstream: u16, server_timeout: &str) -> Option<Running> {
    let exe = program("haproxy")?;
    let folder = TempDir::new().expect("a folder");
    let (port, root) = (free_port(), folder.path().display());
    let config = format!(
        "global\n  stats socket {root}/stats\n\
         defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server {server_timeout}\n\
         frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\nbackend b\n  server s 127.0.0.1:{upstream}\n",
    );
    let path = write(&folder, "haproxy.cfg", &config);
    Some(start(Command::new(exe).args(["-db", "-f"]).arg(path), port, folder))
}

/// LiteLLM's proxy. Its configuration is YAML, and JSON is YAML.
pub fn litellm(models: &Value) -> Option<Running> {
    let exe = program("litellm")?;
    let folder = TempDir::new().expect("a folder");
    let port = free_port();
    let config = json!({
        "model_list": models,
        "litellm_settings": { "telemetry": false, "num_retries": 0, "request_timeout": 30 },
        "router_settings": { "num_retries": 0 },
        "general_settings": { "master_key": LITELLM_KEY }
    });
    let path = write(&folder, "litellm.yaml", &config.to_string());
    let mut command = Command::new(exe);
    command.args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"]).arg(path);
    command.env("HOME", folder.path()).env("LITELLM_LOCAL_MODEL_COST_MAP", "True").env("NO_DOCS", "True");
    Some(start(&mut command, port, folder))
}

/// One model of LiteLLM's: what it is called here, and where and as what it is called upstream.
pub fn deployment(alias: &str, upstream_port: u16, model: &str, key: &str) -> Value {
    let base = format!("http://127.0.0.1:{upstream_port}/v1");
    json!({ "model_name": alias, "litellm_params": { "model": format!("openai/{model}"), "api_base": base, "api_key": key } })
}

fn start(command: &mut Command, port: u16, folder: TempDir) -> Running {
    let log = std::fs::File::create(folder.path().join("output.log")).expect("a log");
    let output = log.try_clone().expect("a log");
    let child = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn().expect("a server");
    let mut running = Running { child, port, folder };
    await_port(&mut running, Duration::from_secs(180));
    running
}

/// A port on which nobody listens now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

/// Waits until somebody listens; the process must not end meanwhile.
fn await_port(running: &mut Running, limit: Duration) {
    let end = Instant::now() + limit;
    let address = SocketAddr::from(([127, 0, 0, 1], running.port));
    while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
        let told = || std::fs::read_to_string(running.folder.path().join("output.log")).unwrap_or_default();
        assert!(running.child.try_wait().expect("a process").is_none(), "the server ended while it started: {}", told());
        assert!(Instant::now() < end, "nobody listens on port {} after {limit:?}: {}", running.port, told());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = Path::new(folder.path()).join(name);
    std::fs::write(&path, text).expect("a file");
    path
}
