//! Heartbeats on a paused clock.

use tokio::{
    io::{DuplexStream, duplex},
    sync::watch,
};

use super::*;

fn timing() -> HeartbeatTiming {
    HeartbeatTiming::default()
}

async fn next_ping(io: &mut DuplexStream) -> [u8; PING_LEN] {
    let mut id = [0; PING_LEN];
    io.read_exact(&mut id).await.unwrap();
    id
}

#[tokio::test(start_paused = true)]
async fn an_agent_pings_at_once_and_then_every_interval() {
    let (near, mut far) = duplex(64);
    let mut rtts = Vec::new();
    let start = Instant::now();
    let story = async {
        for n in 0..3 {
            let id = next_ping(&mut far).await;
            assert_eq!(start.elapsed(), timing().interval * n);
            far.write_all(&id).await.unwrap();
        }
        far
    };
    tokio::select! {
        error = keep_alive(near, timing(), |rtt| rtts.push(rtt)) => panic!("{error}"),
        _far = story => {}
    }
    assert_eq!(rtts, [Duration::ZERO; 2]);
}

#[tokio::test(start_paused = true)]
async fn the_round_trip_is_measured() {
    let (near, mut far) = duplex(64);
    let (rtt, mut rtts) = watch::channel(None);
    let late = Duration::from_millis(80);
    let story = async {
        let id = next_ping(&mut far).await;
        tokio::time::sleep(late).await;
        far.write_all(&id).await.unwrap();
        *rtts.wait_for(Option::is_some).await.unwrap()
    };
    tokio::select! {
        error = keep_alive(near, timing(), |d| { rtt.send_replace(Some(d)); }) => panic!("{error}"),
        measured = story => assert_eq!(measured, Some(late)),
    }
}

#[tokio::test(start_paused = true)]
async fn an_edge_that_never_answers_is_dead_after_interval_and_tolerance() {
    let (near, _far) = duplex(64);
    let start = Instant::now();
    let error = keep_alive(near, timing(), |_| ()).await;
    assert!(matches!(error, PingError::Silent { after } if after == timing().limit()), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(25));
}

#[tokio::test(start_paused = true)]
async fn silence_counts_from_the_last_echo() {
    let (near, mut far) = duplex(64);
    let start = Instant::now();
    let story = async {
        let id = next_ping(&mut far).await;
        far.write_all(&id).await.unwrap();
        next_ping(&mut far).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        error = keep_alive(near, timing(), |_| ()) => {
            assert!(matches!(error, PingError::Silent { .. }), "{error}");
        }
        () = story => {}
    }
    assert_eq!(start.elapsed(), Duration::from_secs(25));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_echo_and_an_ended_stream_are_told_apart() {
    let (near, mut far) = duplex(64);
    let lie = async {
        let [a, b, c, d] = next_ping(&mut far).await;
        far.write_all(&[a, b, c, !d]).await.unwrap();
    };
    let (error, ()) = tokio::join!(keep_alive(near, timing(), |_| ()), lie);
    assert!(matches!(error, PingError::WrongEcho), "{error}");

    let (near, mut far) = duplex(64);
    let leave = async {
        let id = next_ping(&mut far).await;
        far.write_all(&id).await.unwrap();
        drop(far);
    };
    let start = Instant::now();
    let (error, ()) = tokio::join!(keep_alive(near, timing(), |_| ()), leave);
    assert!(matches!(error, PingError::Finished), "{error}");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_edge_waits_for_a_late_echo_and_goes_by_its_pulse() {
    let (near, mut far) = duplex(64);
    let pulse = Pulse::new();
    let owes = |secs| pulse.owes(Duration::from_secs(secs));
    assert!(!owes(0), "nothing was asked");
    let story = async {
        let id = next_ping(&mut far).await;
        assert!(owes(0) && !owes(1));
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert!(owes(50) && !owes(51));
        pulse.beat();
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert!(owes(50) && !owes(51));
        far.write_all(&id).await.unwrap();
        next_ping(&mut far).await;
        assert!(owes(0) && !owes(1));
    };
    tokio::select! {
        error = ping(near, timing().interval, &pulse, |_| ()) => panic!("{error}"),
        () = story => {}
    }
    let heard = pulse.last();
    assert_eq!(heard.elapsed(), Duration::ZERO);
    pulse.silence(Duration::from_secs(25)).await;
    assert_eq!(heard.elapsed(), Duration::from_secs(25));
}

#[tokio::test(start_paused = true)]
async fn pings_are_echoed_however_they_are_cut() {
    let sent: Vec<u8> = (0..40).collect();
    for size in 1..=sent.len() {
        let (mut near, far) = duplex(64);
        let pulse = Pulse::new();
        let talk = async {
            for piece in sent.chunks(size) {
                near.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            near.shutdown().await.unwrap();
            let mut back = Vec::new();
            near.read_to_end(&mut back).await.unwrap();
            back
        };
        let (ended, back) = tokio::join!(echo(far, None, &pulse), talk);
        assert!(ended.is_ok(), "{size}");
        assert_eq!(back, sent, "{size}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_ping_is_not_echoed() {
    let (mut near, far) = duplex(64);
    near.write_all(&[1, 2, 3, 4, 5, 6]).await.unwrap();
    near.shutdown().await.unwrap();
    echo(far, None, &Pulse::new()).await.unwrap();
    let mut back = Vec::new();
    near.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn ten_pings_a_second_are_fine_and_eleven_are_not() {
    let (mut near, far) = duplex(1024); // room for all echoes, which nobody takes
    let flood = async {
        for n in [10_u8, 10, 11] {
            for _ in 0..n {
                near.write_all(&[7; PING_LEN]).await.unwrap();
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let pulse = Pulse::new();
    let start = Instant::now();
    let (ended, ()) = tokio::join!(echo(far, Some(MAX_PINGS_PER_SECOND), &pulse), flood);
    assert!(matches!(ended, Err(EchoError::TooFast { per_second: 10 })), "{ended:?}");
    assert_eq!((pulse.last() - start).as_secs(), 1);
}
