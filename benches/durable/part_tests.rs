//! The self-tests of the parts of the benchmark. They stand here because a benchmark without the test harness would not run them.

mod load {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::time::Duration;

    use crate::load::{Request, Run, Wanted, run};

    /// Answers each request of each connection after `pause` for the first of them.
    fn server(answer: &'static str, pause: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                std::thread::spawn(move || {
                    let (mut buffer, mut first) = ([0; 1024], true);
                    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                        if first {
                            std::thread::sleep(pause);
                        }
                        first = false;
                        let _gone = stream.write_all(answer.as_bytes());
                    }
                });
            }
        });
        address
    }

    fn requests(count: usize) -> Vec<Request> {
        let wanted = Wanted { status: 200, body: "\"code\":0" };
        vec![Request { door: 0, bytes: b"GET / HTTP/1.1\r\n\r\n".to_vec(), wanted }; count]
    }

    fn plan(door: SocketAddr, count: usize) -> Run {
        let longest = Duration::from_secs(20);
        Run {
            doors: vec![door],
            requests: requests(count),
            again: false,
            connections: 3,
            longest,
            rate: None,
            keep: true,
        }
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"code\":0}";

    #[test]
    fn each_request_is_sent_once_and_its_answer_kept() {
        let figures = run(plan(server(GOOD, Duration::ZERO), 100)).expect("it runs");

        let mut numbers: Vec<usize> = figures.kept.iter().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        assert_eq!((figures.bad, figures.micros.len()), (0, 100));
        assert!(figures.kept.iter().all(|(_, body)| body == "{\"code\":0}"));
    }

    #[test]
    fn an_answer_that_is_not_the_wanted_one_is_counted_and_shown() {
        let other = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"code\":500}";

        let figures = run(plan(server(other, Duration::ZERO), 7)).expect("it runs");

        assert_eq!(figures.bad, 7);
        assert_eq!(figures.first_bad.as_deref(), Some("HTTP 200 {\"code\":500}"));
    }

    #[test]
    fn an_open_loop_feels_a_pause_in_every_request_that_was_due_in_it() {
        let pause = Duration::from_millis(300);
        let mut plan = plan(server(GOOD, pause), 100);
        (plan.connections, plan.rate) = (1, Some(100));

        let figures = run(plan).expect("it runs");

        // 100 requests are due in a second; 30 of them during the pause, and the one connection was busy with the first.
        let long = figures.micros.iter().filter(|micros| **micros > 100_000).count();
        assert_eq!((figures.micros.len(), figures.bad), (100, 0));
        assert!(long >= 20, "{long} of 100 waited: {:?}", figures.micros);
        assert!(figures.per_second < 110.0, "not faster than they are due: {}", figures.per_second);
    }
}

mod wire {
    use croupier::simulate::{Params, sign};

    use crate::wire::{Question, SALT, question, success};

    #[test]
    fn the_simulated_cashier_would_have_signed_the_same() {
        let asked = [Question::CheckDeposit, Question::RequestPayout].map(|kind| question(kind, 77));
        for request in asked.into_iter().chain([success(77, "an-id")]) {
            let text = String::from_utf8(request.bytes).expect("text");
            let (_, body) = text.split_once("\r\n\r\n").expect("a head and a body");
            let fields: Vec<(String, String)> = serde_urlencoded::from_str(body).expect("a form");
            let params: Params = fields.into_iter().map(|(name, value)| (name, value.into())).collect();

            assert!(sign::holds(&params, SALT), "{body}");
            assert!(!sign::holds(&params, "another salt"), "{body}");
        }
    }
}

mod workload {
    use crate::workload::{MIX, Part, Workload};

    #[test]
    fn the_mix_has_the_shares_it_says() {
        let share = |part: Part| MIX.iter().filter(|own| **own == part).count() * 5;

        let shares = [Part::Bet, Part::Win, Part::Check, Part::Success, Part::Payout].map(share);

        assert_eq!(shares, [45, 25, 15, 10, 5]);
        assert_eq!((Workload::Mix.deposits(200), Workload::Webhook.deposits(7), Workload::Bet.deposits(7)), (20, 7, 0));
    }
}

mod stats {
    use crate::stats::{Spread, milliseconds, thousands};

    #[test]
    fn a_spread_is_the_middle_and_the_ends() {
        let odd = Spread::of([3.0, 1.0, 2.0]).expect("figures");

        assert_eq!(odd, Spread { median: 2.0, lowest: 1.0, highest: 3.0 });
        assert_eq!(Spread::of([4.0, 1.0]).expect("figures").median, 2.5);
        assert_eq!(Spread::of([f64::NAN]), None);
        assert_eq!(odd.shown(|figure| format!("{figure:.0}")), "2 (1–3)");
        assert_eq!(Spread::of([1.0]).expect("a figure").shown(thousands), "1");
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(["0", "999", "1 000", "1 234 568"], [0.4, 999.0, 1000.0, 1_234_567.9].map(thousands));
        assert_eq!(["0.52", "12.3", "1 235"], [521.0, 12_345.0, 1_234_999.0].map(milliseconds));
    }
}

mod machine {
    use std::path::Path;

    use crate::machine::{Machine, mount_of};

    #[test]
    fn a_directory_in_memory_is_refused() {
        let shared_memory = Path::new("/dev/shm");
        if mount_of(shared_memory).is_ok_and(|(_, kind)| kind == "tmpfs") {
            let refused = Machine::look(shared_memory).expect_err("it is no disk");
            assert!(refused.contains("in memory"), "{refused}");
        }
        assert_eq!(mount_of(Path::new("/proc/self")).expect("a mount").1, "proc");
    }
}

mod curve {
    use crate::curve::{Axis, LEFT, RIGHT, short, svg};
    use crate::measure::Point;
    use crate::stats::Summary;
    use crate::target::Target;

    fn point(target: Target, rate: u64, per_second: f64, p99_micros: u32) -> Point {
        let round = Summary {
            per_second,
            p50_micros: p99_micros / 2,
            p99_micros,
            due: 1,
            answered: 1,
            bad: 0,
            first_bad: None,
        };
        Point { target, rate, rounds: vec![round] }
    }

    #[test]
    fn what_does_not_follow_is_drawn_hollow_and_everything_stands_within_the_plot() {
        let points = [
            point(Target::Sqlite, 100, 100.0, 700),
            point(Target::Sqlite, 10_000, 9_990.0, 4_000),
            point(Target::Fastapi, 100, 100.0, 9_000),
            point(Target::Fastapi, 1_000, 320.0, 900_000),
        ];

        let drawn = svg(&points);

        assert_eq!(drawn.matches("class=\"hollow\"").count(), 1);
        assert_eq!(drawn.matches("<circle fill").count(), 3);
        for across in drawn.split("cx=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok()) {
            assert!((LEFT..=RIGHT).contains(&across), "{across}");
        }
        assert!(drawn.contains("most 320/s") && drawn.contains("follows to 9 990/s"), "{drawn}");
    }

    #[test]
    fn the_axes_are_powers_of_ten() {
        let axis = Axis::over([0.7, 90.0].into_iter(), 0.0, 300.0);

        assert_eq!((axis.low, axis.high), (-1.0, 2.0));
        assert!((axis.at(1.0) - 100.0).abs() < 1e-9 && (axis.at(100.0) - 300.0).abs() < 1e-9);
        assert_eq!([0.1, 1.0, 200.0, 5_000.0].map(short), ["0.1", "1", "200", "5k"]);
    }
}
