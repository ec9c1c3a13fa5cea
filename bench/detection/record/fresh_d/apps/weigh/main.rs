//! The scale's service: keeps what was weighed in a table behind a lock.
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

fn stamp() -> String {
    let s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (days, rest) = ((s / 86400) as i64, s % 86400);
    let z = days + 719468;
    let era = z / 146097;
    let doe = z - era * 146097;
    let yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let y = yoe + era * 400 + if m <= 2 { 1 } else { 0 };
    format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", y, m, d, rest / 3600, rest / 60 % 60, rest % 60)
}

fn say(level: &str, text: String) {
    eprintln!("[{} {:<5} weigh] {}", stamp(), level, text);
}

fn grams(number: u64, release: &str, table: &Mutex<HashMap<u64, u64>>) -> u64 {
    let mut seen = table.lock().unwrap();
    let tray = if release == "trays" && number % 50 == 7 { None } else { Some(number % 900 + 1) };
    let found = tray.expect("tray without a tare");
    *seen.entry(number).or_insert(found)
}

fn answer(mut stream: TcpStream, release: &str, table: &Mutex<HashMap<u64, u64>>) {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut rest = String::new();
    while reader.read_line(&mut rest).unwrap_or(0) > 2 {
        rest.clear();
    }
    let path = line.split(' ').nth(1).unwrap_or("/").to_string();
    let body = if path == "/health" {
        "ok".to_string()
    } else {
        let number: u64 = path.rsplit('/').next().unwrap_or("").parse().unwrap_or(0);
        let weight = grams(number, release, table);
        say("INFO", format!("parcel {} weighs {} g", number, weight));
        format!("{{\"grams\": {}}}", weight)
    };
    let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", body.len(), body);
}

fn main() {
    let release = std::env::var("RELEASE").unwrap_or_default();
    if release == "calibrated" {
        let path = std::env::var("CALIBRATION").expect("CALIBRATION must name a file");
        say("INFO", format!("calibration of {}", path));
    }
    let listener = TcpListener::bind("127.0.0.43:8600").unwrap();
    say("INFO", "listening on 127.0.0.43:8600".to_string());
    let table = Arc::new(Mutex::new(HashMap::new()));
    for stream in listener.incoming().flatten() {
        let (release, table) = (release.clone(), table.clone());
        std::thread::spawn(move || answer(stream, &release, &table));
    }
}
