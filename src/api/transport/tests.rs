//! What the front refuses on a real socket, and how it stops.

use std::io::ErrorKind;
use std::time::Instant;

use actix_server::ServerHandle;
use actix_web::HttpRequest;
use futures_util::FutureExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// Times that let a test finish soon; bounds as in production but for the body.
const QUICK: Limits = Limits {
    head: Duration::from_millis(300),
    request: Duration::from_millis(500),
    // The library's clock for this one is up to half a second late.
    idle: Duration::from_millis(1500),
    write_stall: Duration::from_millis(300),
    linger: Duration::from_millis(300),
    stop: Duration::from_secs(5),
    max_line_bytes: 8 * 1024,
    max_head_bytes: 32 * 1024,
    max_body_bytes: 1000,
    max_connections: 100,
    workers: 1,
};

async fn echo(request: HttpRequest, mut payload: web::Payload) -> Result<String, TransportError> {
    let body = read_body(&request, &mut payload, 1000).await?;
    Ok(format!("got {}", String::from_utf8_lossy(&body)))
}

async fn panics() -> HttpResponse {
    panic!("on purpose")
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(1000)).await;
    "slow"
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .service(only_post("/echo", echo))
        .service(only_post("/panic", panics))
        .route("/slow", web::get().to(slow))
        .route("/large", web::get().to(|| async { "x".repeat(32 << 20) }))
        .route("/plain", web::get().to(|| async { HttpResponse::Conflict().body("plain text") }))
        .route("/own", web::get().to(|| async { HttpResponse::Conflict().json(json!({ "mine": true })) }));
}

struct Front {
    address: SocketAddr,
    handle: ServerHandle,
}

fn front(side: Side, limits: Limits) -> Front {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = serve(listener, side, limits, routes).unwrap();
    let handle = server.handle();
    tokio::spawn(server);
    Front { address, handle }
}

impl Front {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends some text on a new connection and reads until the server closes it.
    async fn say(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }
}

/// Everything up to the end; a connection that is still open after some seconds fails the test.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut all)).await;
    match read.expect("the server closes the connection") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "after {:?}", String::from_utf8_lossy(&all)),
    }
    String::from_utf8_lossy(&all).into_owned()
}

async fn some(stream: &mut TcpStream, end: &str) -> String {
    let mut all = Vec::new();
    while !all.ends_with(end.as_bytes()) {
        let byte = tokio::time::timeout(Duration::from_secs(8), stream.read_u8()).await.expect("an answer");
        all.push(byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&all))));
    }
    String::from_utf8(all).unwrap()
}

/// Whether the answers have these statuses in order, and every error has the body of its listener.
#[track_caller]
fn assert_answers(said: &str, side: Side, statuses: &[u16]) {
    let answers: Vec<&str> = said.split("HTTP/1.1 ").skip(1).collect();
    let seen: Vec<u16> = answers.iter().map(|answer| answer[..3].parse().unwrap()).collect();
    assert_eq!(seen, statuses, "{said}");
    for (answer, status) in answers.iter().zip(statuses).filter(|(_, status)| **status >= 400) {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("a JSON body in {said}"));
        let head = head.to_ascii_lowercase();
        match side {
            Side::Public => {
                assert!(head.contains("content-type: application/json"), "{said}");
                assert_eq!(body["code"], 500);
                assert!(body["error_description"].is_string());
            }
            Side::Private => {
                assert!(head.contains("content-type: application/problem+json"), "{said}");
                assert_eq!((&body["status"], &body["type"]), (&json!(status), &json!("about:blank")));
                assert!(body["code"].is_string() && body["title"].is_string());
            }
        }
    }
}

fn post(body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn every_refusal_has_its_status_a_body_and_ends_the_connection() {
    let long = "x".repeat(9000);
    let cases = [
        (400, "GARBAGE\r\n\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (400, "GET / HTTP/1.1\nhost: a\n\n".to_owned()),
        (400, "\u{16}\u{3}\u{1}\u{2}".to_owned()),
        (400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        (
            400,
            "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
        ),
        (400, "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned()),
        (400, "POST /echo HTTP/1.1\r\nhost: a\r\nx: y\r\n folded\r\ncontent-length: 1\r\n\r\na".to_owned()),
        (400, "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned()),
        (413, "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n".to_owned()),
        (413, format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\n{long}")),
        (413, format!("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2328\r\n{long}")),
        (413, format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", u64::MAX)),
        (414, format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n")),
        (414, format!("GET /{long}")),
        (431, format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", format!("x: {long}\r\n").repeat(5))),
        (431, format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: y\r\n".repeat(200))),
    ];
    for side in [Side::Public, Side::Private] {
        let front = front(side, QUICK);
        for (status, text) in &cases {
            assert_answers(&front.say(text).await, side, &[*status]);
        }
    }
}

#[tokio::test]
async fn what_only_looks_odd_is_answered_and_the_connection_lives_on() {
    let front = front(Side::Public, QUICK);
    let mut stream = front.connect().await;
    let requests = [
        post("one"),
        "\r\n".to_owned() + &post(""),
        "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n2;x=y\r\n!!\r\n0\r\n\r\n"
            .to_owned(),
        "POST /echo HTTP/1.1\r\nHost: a\r\ncontent-encoding: identity\r\ncontent-length: 3\r\n\r\none".to_owned(),
        "POST /echo HTTP/1.1\r\nHost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\none".to_owned(),
    ];
    for request in requests {
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = some(&mut stream, "\r\n\r\ngot ").await;
        assert!(answer.contains("HTTP/1.1 200 OK"), "{request:?} {answer}");
        stream.write_all(post("two").as_bytes()).await.unwrap();
        some(&mut stream, "got two").await;
    }
}

#[tokio::test]
async fn wrong_route_method_and_encoding_have_a_body_too() {
    for side in [Side::Public, Side::Private] {
        let front = front(side, QUICK);
        let ask = |line: &str| format!("{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        assert_answers(&front.say(&ask("GET /nowhere")).await, side, &[404]);
        assert_answers(&front.say(&ask("GET /_refused")).await, side, &[404]);
        assert_answers(&front.say(&ask("GET /plain")).await, side, &[409]);
        let wrong = front.say(&ask("DELETE /echo")).await;
        assert_answers(&wrong, side, &[405]);
        assert!(wrong.contains("allow: POST"), "{wrong}");
        let packed = "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx";
        assert_answers(&front.say(packed).await, side, &[415]);
        assert!(front.say(&ask("GET /own")).await.ends_with("{\"mine\":true}"), "a handler's own words stand");
    }
}

/// The HTTP library refuses without a body. Whatever is sent, it must never come to that.
#[tokio::test]
async fn no_broken_request_gets_an_error_without_a_body() {
    let front = front(Side::Public, QUICK);
    let chunked = "POST /echo?a=b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n";
    let plain = "GET /nowhere HTTP/1.0\r\nConnection: keep-alive\r\nX-Any: thing\r\n\r\n";
    let requests = [post("body") + plain, chunked.to_owned() + plain];
    let spice = b"\r\n :;,\0\x7f\x80\xff\"{}|\\^`<>#%/?*()[]@=0129azAZ\t";
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 16) as usize % below
    };
    for round in 0..3000 {
        let mut bytes = requests[round % 2].clone().into_bytes();
        for _ in 0..=next(3) {
            let (at, with) = (next(bytes.len()), spice[next(spice.len())]);
            match next(3) {
                0 => bytes[at] = with,
                1 => bytes.insert(at, with),
                _ => drop(bytes.remove(at)),
            }
        }
        let mut stream = front.connect().await;
        stream.write_all(&bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let said = rest(&mut stream).await;
        let empty =
            said.split("HTTP/1.1 ").skip(1).any(|a| a.starts_with(['4', '5']) && a.contains("content-length: 0"));
        assert!(!empty, "{:?} got {said}", String::from_utf8_lossy(&bytes));
    }
}

#[tokio::test]
async fn a_slow_head_is_408_at_any_place_of_a_connection() {
    let front = front(Side::Public, QUICK);
    for before in ["", "POST ", "POST /echo HTTP/1.1\r\nhost: a\r\n"] {
        assert_answers(&front.say(before).await, Side::Public, &[408]);
    }
    let second = front.say(&(post("one") + "POST /echo HT")).await;
    assert!(second.contains("got one"), "{second}");
    assert_answers(&second.replace("got one", ""), Side::Public, &[200, 408]);
}

#[tokio::test]
async fn a_trickling_request_is_cut_off_in_time() {
    let front = front(Side::Public, QUICK);
    let started = Instant::now();
    for begin in ["", "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 900\r\n\r\n"] {
        let (mut read, mut write) = front.connect().await.into_split();
        write.write_all(begin.as_bytes()).await.unwrap();
        tokio::spawn(async move {
            while write.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut said = Vec::new();
        let _ = read.read_to_end(&mut said).await;
        assert_answers(&String::from_utf8_lossy(&said), Side::Public, &[408]);
    }
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_body_that_stops_is_408_and_one_that_breaks_off_is_400() {
    let front = front(Side::Private, QUICK);
    let begin = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhal";
    assert_answers(&front.say(begin).await, Side::Private, &[408]);

    let mut stream = front.connect().await;
    stream.write_all(begin.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_answers(&rest(&mut stream).await, Side::Private, &[400]);
}

#[tokio::test]
async fn an_unread_endless_body_does_not_hold_the_server() {
    let front = front(Side::Public, QUICK);
    let (mut read, mut write) = front.connect().await.into_split();
    write.write_all(b"POST /nowhere HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
    let flood = tokio::spawn(async move {
        let mut sent = 0;
        while sent < 64 << 20 && write.write_all(b"4\r\nflood\r\n".repeat(100).as_slice()).await.is_ok() {
            sent += 900;
        }
        sent
    });
    let mut said = Vec::new();
    let _ = read.read_to_end(&mut said).await;

    assert!(String::from_utf8_lossy(&said).starts_with("HTTP/1.1 404"));
    assert!(flood.await.unwrap() < 64 << 20, "the server stopped reading");
}

#[tokio::test]
async fn a_panic_is_answered_and_the_next_request_works() {
    let front = front(Side::Public, QUICK);
    let mut stream = front.connect().await;

    stream.write_all(b"POST /panic HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let answer = some(&mut stream, "}").await;
    stream.write_all(post("next").as_bytes()).await.unwrap();

    assert_answers(&answer, Side::Public, &[503]);
    some(&mut stream, "got next").await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_before_a_refusal() {
    let front = front(Side::Public, QUICK);
    let slow = "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n";

    let said = front.say(&format!("{slow}{}GET / HTTP/1.1\n\n", post("one"))).await;

    let [slow, one, refused] = ["slow", "got one", "HTTP/1.1 400"].map(|word| said.find(word).expect(word));
    assert!(slow < one && one < refused, "{said}");
    assert!(said.trim_end().ends_with('}'), "{said}");
}

#[tokio::test]
async fn a_long_answer_may_take_longer_than_any_of_the_reading_times() {
    let front = front(Side::Public, QUICK);
    let mut stream = front.connect().await;

    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();

    some(&mut stream, "slow").await;
}

#[tokio::test]
async fn an_idle_connection_and_one_that_takes_no_answer_are_closed() {
    let front = front(Side::Public, QUICK);
    let mut idle = front.connect().await;
    idle.write_all(post("one").as_bytes()).await.unwrap();
    assert!(rest(&mut idle).await.ends_with("got one"), "closed without a word");

    let mut deaf = front.connect().await;
    deaf.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut all = Vec::new();
    let _ = deaf.read_to_end(&mut all).await;
    assert!(all.len() < 32 << 20, "cut off while nothing was taken");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let front = front(Side::Public, Limits { max_connections: 1, ..QUICK });
    let first = front.connect().await;
    tokio::time::sleep(Duration::from_millis(50)).await;

    let second = tokio::spawn({
        let mut stream = front.connect().await;
        async move {
            stream.write_all(post("two").as_bytes()).await.unwrap();
            some(&mut stream, "got two").await
        }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!second.is_finished());

    drop(first);
    second.await.unwrap();
}

#[tokio::test]
async fn a_stop_finishes_what_runs_and_ends_what_is_idle() {
    let front = front(Side::Public, Limits { idle: Duration::from_secs(60), ..QUICK });
    let mut idle = front.connect().await;
    idle.write_all(post("one").as_bytes()).await.unwrap();
    some(&mut idle, "got one").await;
    let mut busy = front.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let started = Instant::now();
    front.handle.stop(true).await;

    assert!(started.elapsed() < Duration::from_secs(4), "did not wait for the idle connection");
    assert!(rest(&mut busy).await.ends_with("slow"), "the running request was answered");
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(front.address).await.is_err(), "nobody is let in any more");
}

/// The answers of those who never read them would be kept: by the library, without an end.
#[tokio::test]
async fn a_peer_that_takes_no_answer_is_not_read_until_it_does() {
    const ASK: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let (mut peer, io) = tokio::io::duplex(8_192);
    let (mut read, mut write) = tokio::io::split(GuardedStream::new(io, Limits::default()));
    peer.write_all(ASK.repeat(100).as_bytes()).await.unwrap();
    let mut asked = vec![0; ASK.len()];

    let mut ahead = 0;
    while tokio::time::timeout(Duration::from_millis(200), read.read_exact(&mut asked)).await.is_ok() {
        ahead += 1;
    }
    assert_eq!(ahead, 17, "so many follow one another without an answer");
    let (next, answered) = tokio::join!(read.read_exact(&mut asked), write.write_all(b"an answer"));
    assert_eq!((next.unwrap(), answered.unwrap()), (ASK.len(), ()));

    let mut stuck = Box::pin(write.write_all(&[b'x'; 20_000]));
    assert!((&mut stuck).now_or_never().is_none(), "the way to the peer is full");
    let mut asked = vec![0; ASK.len()];
    let waited = tokio::time::timeout(Duration::from_millis(200), read.read_exact(&mut asked)).await;
    assert!(waited.is_err(), "nothing is read while an answer is stuck");
    let mut taken = vec![0; 9 + 20_000];
    let (next, taken, written) = tokio::join!(read.read_exact(&mut asked), peer.read_exact(&mut taken), stuck);
    assert_eq!((next.unwrap(), taken.unwrap(), written.unwrap()), (ASK.len(), 9 + 20_000, ()));
}
