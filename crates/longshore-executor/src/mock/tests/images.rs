//! Images of the mock: missing, refused, slow, silent, shared.

use std::sync::Mutex;

use super::*;

fn request(name: &str) -> PullRequest {
    PullRequest {
        image: image(name),
        platform: None,
        idle: 30 * SECOND,
        total: 300 * SECOND,
    }
}

fn nobody() -> OnProgress {
    Arc::new(|_| {})
}

/// A mock without the image `app:1`, whose registry behaves like this.
fn mock_without_image(registry: Registry, pull_time: Duration) -> MockExecutor {
    let mock = mock(Behaviour::default());
    mock.tune(|knobs| {
        let image = knobs.image(&image("app:1"));
        *image = ImageKnobs {
            on_host: false,
            registry,
            pull_time,
            ..ImageKnobs::default()
        };
    });
    mock
}

#[tokio::test(start_paused = true)]
async fn a_missing_image_is_there_after_a_pull() {
    let mock = mock_without_image(Registry::Serves, SECOND);
    assert_eq!(fault(mock.create(&launch(1)).await), Fault::ImageNotFound);
    assert_eq!(mock.image(&image("app:1")).await.unwrap(), None);
    let pulled = mock.pull(&request("app:1"), nobody()).await.unwrap();
    assert_eq!(mock.image(&image("app:1")).await.unwrap(), Some(pulled));
    mock.create(&launch(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_image_that_was_taken_away_is_missing_by_digest_too() {
    let mock = mock(Behaviour::default());
    let known = mock.image(&image("app:1")).await.unwrap().unwrap();
    let pinned = Launch {
        image: image(&known.digests[0]),
        ..launch(1)
    };
    mock.take_image(&image("app:1"));
    assert_eq!(fault(mock.create(&pinned).await), Fault::ImageNotFound);
    mock.pull(&request("app:1"), nobody()).await.unwrap();
    mock.create(&pinned).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pull_fails_as_the_registry_says() {
    for wanted in [
        Fault::ImageNotFound,
        Fault::ImageDenied,
        Fault::ImagePull(PullFault::RegistryDown),
        Fault::ImagePull(PullFault::RateLimited),
    ] {
        let mock = mock_without_image(Registry::Fails(wanted), SECOND);
        assert_eq!(fault(mock.pull(&request("app:1"), nobody()).await), wanted);
        assert_eq!(mock.image(&image("app:1")).await.unwrap(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_pull_shows_growing_progress() {
    let mock = mock_without_image(Registry::Serves, 60 * SECOND);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let on_progress: OnProgress = Arc::new(move |progress| {
        let bytes = progress
            .layers
            .iter()
            .map(|layer| layer.current_bytes)
            .sum::<u64>();
        noted.lock().unwrap().push(bytes);
    });
    let began = Instant::now();
    mock.pull(&request("app:1"), on_progress).await.unwrap();
    assert!(began.elapsed() >= 60 * SECOND);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 10);
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    assert_eq!(seen.last(), Some(&(8 << 20)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_registry_is_given_up_after_the_idle_time() {
    let mock = mock_without_image(Registry::Stalls, 10 * SECOND);
    let began = Instant::now();
    let timed_out = Fault::ImagePull(PullFault::TimedOut);
    assert_eq!(
        fault(mock.pull(&request("app:1"), nobody()).await),
        timed_out
    );
    let took = began.elapsed();
    assert!(took >= 35 * SECOND && took < 36 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_endless_pull_is_given_up_after_the_total_time() {
    let mock = mock_without_image(Registry::Serves, 310 * SECOND);
    let began = Instant::now();
    let request = PullRequest {
        idle: 100 * SECOND,
        ..request("app:1")
    };
    let timed_out = Fault::ImagePull(PullFault::TimedOut);
    assert_eq!(fault(mock.pull(&request, nobody()).await), timed_out);
    assert_eq!(began.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn concurrent_pulls_of_one_image_are_one_pull() {
    let mock = mock_without_image(Registry::Serves, 20 * SECOND);
    let pulls = join_all((0..50).map(|_| async {
        let request = request("app:1");
        mock.pull(&request, nobody()).await.unwrap()
    }));
    pulls.await;
    assert_eq!(mock.pulls_begun(&image("app:1")), 1);
    assert_eq!(mock.calls_made(Call::Pull), 50);
}

#[tokio::test(start_paused = true)]
async fn an_image_in_use_is_not_removed() {
    let mock = mock(Behaviour::default());
    let handle = mock.create(&launch(1)).await.unwrap();
    let name = image("app:1");
    assert_eq!(fault(Images::remove(&mock, &name).await), Fault::Conflict);
    Executor::remove(&mock, &handle, Force::Never)
        .await
        .unwrap();
    assert_eq!(Images::remove(&mock, &name).await.unwrap(), Removed::Gone);
    assert_eq!(
        Images::remove(&mock, &name).await.unwrap(),
        Removed::WasAbsent
    );
}
