//! What was read, until it is too old. Whoever needs something while it is being read waits for that and does not read
//! it a second time.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::api::ApiError;
use crate::error::AwsError;

/// Values by key.
#[derive(Debug)]
pub(super) struct Keyed<K, V> {
    entries: Mutex<Entries<K, V>>,
    life: fn(&V) -> Option<Duration>,
}

#[derive(Debug)]
struct Entries<K, V> {
    by_key: HashMap<K, Entry<V>>,
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    until: Option<Instant>,
}

/// The last read that failed.
#[derive(Debug)]
struct Failed {
    at: Instant,
    object: Option<String>,
    error: ApiError,
}

impl<K: Eq + Hash + Clone, V: Clone> Keyed<K, V> {
    /// Empty; `life` says how long a value is good, `None` for ever.
    pub(super) fn new(life: fn(&V) -> Option<Duration>) -> Self {
        Self { entries: Mutex::new(Entries { by_key: HashMap::new(), failed: None }), life }
    }

    /// The value of a key, read if it is not known.
    pub(super) async fn one<F>(&self, whom: &str, key: &K, read: impl FnOnce() -> F) -> Result<V, AwsError>
    where
        F: Future<Output = Result<V, AwsError>>,
    {
        let asked = Instant::now();
        let mut entries = self.entries.lock().await;
        if let Some(value) = entries.current(key) {
            return Ok(value);
        }
        entries.share_failure(whom, asked)?;
        let value = read().await.map_err(|error| entries.failed(error))?;
        entries.remember(key.clone(), value.clone(), self.life);
        Ok(value)
    }

    /// The values of these keys. `read` is asked for those that are not known; keys that it leaves out have no value.
    pub(super) async fn many<F>(
        &self,
        whom: &str,
        keys: &[K],
        read: impl FnOnce(Vec<K>) -> F,
    ) -> Result<Vec<V>, AwsError>
    where
        F: Future<Output = Result<Vec<(K, V)>, AwsError>>,
    {
        let asked = Instant::now();
        let mut entries = self.entries.lock().await;
        let missing: Vec<K> = keys.iter().filter(|key| entries.current(key).is_none()).cloned().collect();
        if !missing.is_empty() {
            entries.share_failure(whom, asked)?;
            let found = read(missing).await.map_err(|error| entries.failed(error))?;
            entries.forget_old();
            for (key, value) in found {
                entries.remember(key, value, self.life);
            }
        }
        Ok(keys.iter().filter_map(|key| entries.current(key)).collect())
    }
}

impl<K: Eq + Hash, V: Clone> Entries<K, V> {
    fn current(&self, key: &K) -> Option<V> {
        let good = |entry: &&Entry<V>| entry.until.is_none_or(|until| until > Instant::now());
        self.by_key.get(key).filter(good).map(|entry| entry.value.clone())
    }

    fn remember(&mut self, key: K, value: V, life: fn(&V) -> Option<Duration>) {
        let until = life(&value).map(|life| Instant::now() + life);
        self.by_key.insert(key, Entry { value, until });
    }

    fn forget_old(&mut self) {
        let now = Instant::now();
        self.by_key.retain(|_, entry| entry.until.is_none_or(|until| until > now));
    }

    /// The error of a read that failed while the caller waited for it: were each to try for itself, the last one would
    /// wait for all timeouts in turn.
    fn share_failure(&self, whom: &str, asked: Instant) -> Result<(), AwsError> {
        match self.failed.as_ref().filter(|failed| failed.at > asked) {
            None => Ok(()),
            Some(Failed { object, error, .. }) => {
                Err(AwsError::failed(whom, object.as_deref(), error.clone()))
            }
        }
    }

    /// Keeps an error for those who wait. One without an answer of AWS costs no time, so nobody has to share it.
    fn failed(&mut self, error: AwsError) -> AwsError {
        if let AwsError::Call(call) = &error {
            let (object, error) = (call.object.clone(), call.error.clone());
            self.failed = Some(Failed { at: Instant::now(), object, error });
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{advance, sleep};

    use super::*;
    use crate::api::Action;
    use crate::api::error::Failure;

    const MINUTE: Duration = Duration::from_mins(1);

    fn cache() -> Arc<Keyed<u32, String>> {
        Arc::new(Keyed::new(|value| (value != "fixed").then_some(MINUTE)))
    }

    fn broken() -> AwsError {
        let kind = Failure::NoAnswer { reason: "reset".into() };
        AwsError::failed("a", None, ApiError { action: Action::DescribeSubnets, kind })
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_read_once_until_it_is_too_old() {
        let (cache, reads) = (cache(), AtomicU32::new(0));
        let read = |value: &'static str| {
            let reads = &reads;
            move || async move {
                reads.fetch_add(1, Ordering::Relaxed);
                Ok(value.to_owned())
            }
        };
        for _ in 0..3 {
            assert_eq!(cache.one("a", &1, read("x")).await.unwrap(), "x");
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        advance(MINUTE).await;
        assert_eq!(cache.one("a", &1, read("y")).await.unwrap(), "y");
        cache.one("a", &2, read("fixed")).await.unwrap();
        advance(MINUTE * 1_000).await;
        assert_eq!(cache.one("a", &2, read("z")).await.unwrap(), "fixed");
    }

    #[tokio::test(start_paused = true)]
    async fn only_missing_keys_are_read() {
        let cache = cache();
        let asked =
            |keys: Vec<u32>| async move { Ok(keys.into_iter().map(|key| (key, format!("{key}"))).collect()) };
        cache.many("a", &[1, 2], asked).await.unwrap();
        let read = |keys: Vec<u32>| async move {
            assert_eq!(keys, [3, 4]);
            Ok(vec![(3, "three".to_owned())])
        };
        assert_eq!(cache.many("a", &[1, 3, 4], read).await.unwrap(), ["1", "three"]);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_share_one_read() {
        let (cache, reads) = (cache(), Arc::new(AtomicU32::new(0)));
        let tasks: Vec<_> = (0..5)
            .map(|_| {
                let (cache, reads) = (Arc::clone(&cache), Arc::clone(&reads));
                tokio::spawn(async move {
                    let read = || async {
                        reads.fetch_add(1, Ordering::Relaxed);
                        sleep(MINUTE / 2).await;
                        Ok("x".to_owned())
                    };
                    cache.one("a", &1, read).await.unwrap()
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), "x");
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_share_a_failure_and_others_try_again() {
        let (cache, begun) = (cache(), Instant::now());
        let tasks: Vec<_> = (0..5)
            .map(|i| {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move {
                    let read = || async {
                        sleep(MINUTE / 2).await;
                        Err(broken())
                    };
                    cache.one(&format!("lb{i}"), &1, read).await.unwrap_err().to_string()
                })
            })
            .collect();
        let mut sentences = Vec::new();
        for task in tasks {
            sentences.push(task.await.unwrap());
        }
        assert_eq!(begun.elapsed(), MINUTE / 2);
        assert!(sentences[4].contains("lb4"), "{sentences:?}");
        let good = cache.one("late", &1, || async { Ok("x".to_owned()) }).await;
        assert_eq!(good.unwrap(), "x");
    }
}
