//! What is never called, never waited for, and never taken for certain.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

fn outgoing() -> Outgoing {
    Outgoing::with_timeouts(Duration::from_millis(300), Duration::from_millis(600)).expect("a TLS client can be made")
}

async fn post(url: &str) -> Result<Reply, SendError> {
    let url = Url::parse(url).unwrap();
    let headers = [("content-type", "application/json")];
    let body = b"{\"amount\":1}".to_vec();
    outgoing().send(Method::POST, &url, &AddressRules::default(), &headers, body, TOTAL_TIMEOUT).await
}

/// A provider that reads one request and then does `act` with the connection; answers its URL.
async fn provider<F>(act: impl FnOnce(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/pay?token=hunter2", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 2048];
        let mut seen = Vec::new();
        while !seen.ends_with(b"{\"amount\":1}") {
            let n = stream.read(&mut buffer).await.unwrap();
            seen.extend_from_slice(&buffer[..n]);
        }
        act(stream).await;
    });
    url
}

async fn answer(bytes: &'static [u8]) -> String {
    provider(move |mut stream| async move { stream.write_all(bytes).await.unwrap() }).await
}

#[track_caller]
fn assert_not_sent(result: Result<Reply, SendError>, word: &str) {
    match result {
        Err(SendError::NotSent(text)) => {
            assert!(text.contains(word) && !text.contains("hunter2") && !text.contains("/pay"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_unknown(result: Result<Reply, SendError>) {
    match result {
        Err(SendError::Unknown(text)) => assert!(!text.contains("hunter2") && !text.contains("/pay"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_is_handed_over_whatever_its_status() {
    for (bytes, status) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"[..], 200),
        (b"HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\ngood", 503),
        (b"HTTP/1.0 402 No\r\n\r\ngood", 402),
    ] {
        let reply = post(&answer(bytes).await).await.expect("an answer");
        assert_eq!((reply.status, reply.body.as_slice()), (status, b"good".as_slice()));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let reply = post(&answer(b"HTTP/1.1 307 Go\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n").await).await;

    assert_eq!(reply.map(|reply| reply.status), Ok(307));
}

#[tokio::test]
async fn what_was_certainly_not_sent_is_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    assert_not_sent(post(&format!("http://127.0.0.1:{free}/pay?token=hunter2")).await, "refused");
    assert_not_sent(post("https://no-such-name.invalid/pay?token=hunter2").await, "");
    assert_not_sent(post("http://cashier.example/pay").await, "https");
    assert_not_sent(post("https://10.0.0.1/pay").await, "private");
    assert_not_sent(post("https://169.254.169.254/pay").await, "link-local");
}

#[tokio::test]
async fn a_tls_failure_is_certainly_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 this is not TLS\r\n\r\n").await.unwrap();
    });

    assert_not_sent(post(&format!("https://127.0.0.1:{port}/pay")).await, "");
}

#[tokio::test]
async fn a_tls_peer_that_says_nothing_is_certainly_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();

    assert_not_sent(post(&format!("https://localhost:{port}/pay")).await, "");
}

#[tokio::test]
async fn a_lost_answer_is_unknown() {
    assert_unknown(post(&answer(b"").await).await);
    assert_unknown(post(&answer(b"HTTP/1.1 200 OK\r\ncontent-le").await).await);
    assert_unknown(post(&answer(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await).await);
    assert_unknown(post(&answer(b"not HTTP at all\r\n\r\n").await).await);
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_its_limit_and_unknown() {
    let announced = answer(b"HTTP/1.1 200 OK\r\ncontent-length: 65537\r\n\r\n").await;
    let endless = provider(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    for url in [announced, endless.await] {
        let cut = post(&url).await;
        assert!(matches!(&cut, Err(SendError::Unknown(text)) if text.contains("longer than 65536")), "{cut:?}");
    }
}

#[tokio::test]
async fn a_trickling_or_silent_answer_is_given_up_in_time_and_unknown() {
    let trickle = provider(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let silent = provider(|stream| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        drop(stream);
    });
    let started = Instant::now();
    let (trickle, silent) = (trickle.await, silent.await);

    let (first, second) = tokio::join!(post(&trickle), post(&silent));

    assert_unknown(first);
    assert_unknown(second);
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// What was told is known to be taken or refused as soon as the status is there.
#[tokio::test]
async fn what_was_told_needs_no_more_than_a_status() {
    let endless = provider(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let silent = provider(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhalf").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let broken = answer(b"HTTP/1.1 422 No\r\ncontent-length: 10\r\n\r\nhalf").await;
    for (url, status, length) in [(endless.await, 200, MAX_ANSWER_BYTES), (silent.await, 200, 4), (broken, 422, 4)] {
        let url = Url::parse(&url).unwrap();
        let reply = outgoing().tell(&url, &AddressRules::default(), &[], b"{\"amount\":1}".to_vec()).await.unwrap();
        assert_eq!((reply.status, reply.body.len()), (status, length));
    }
    let url = Url::parse(&answer(b"").await).unwrap();
    assert_unknown(outgoing().tell(&url, &AddressRules::default(), &[], b"{\"amount\":1}".to_vec()).await);
}

#[test]
fn a_proxy_of_the_environment_is_ignored() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());

    // The same binary runs another test of this file with a proxy in its environment.
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "outgoing::tests::a_redirect_is_an_answer_and_is_not_followed"])
        .envs(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, &address)))
        .output()
        .unwrap();

    assert!(run.status.success() && String::from_utf8_lossy(&run.stdout).contains("1 passed"));
    assert!(proxy.accept().is_err(), "nobody came");
}

#[test]
fn resolved_addresses_are_filtered_by_the_rules() {
    let rules = AddressRules::new(vec!["10.1.0.0/16".parse().unwrap()]);
    let found = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
    let mixed = found(&["127.0.0.1:0", "169.254.169.254:0", "10.2.0.1:0", "10.1.0.1:0", "93.184.216.34:0"]);

    let kept = resolver::allowed(&rules, "cashier.example", mixed.clone());

    assert_eq!(kept, Ok(found(&["10.1.0.1:0", "93.184.216.34:0"])));
    assert_eq!(resolver::allowed(&rules, "localhost", mixed), Ok(found(&["127.0.0.1:0"])));
    for only in ["127.0.0.1:0", "169.254.169.254:0", "10.2.0.1:0", "[::1]:0", "[fe80::1]:0"] {
        assert!(resolver::allowed(&rules, "cashier.example", found(&[only])).is_err(), "{only}");
    }
    assert!(resolver::allowed(&rules, "cashier.example", Vec::new()).is_err());
}
