//! What every request needs and what rarely changes: callers, repositories, upstreams. A plain map under a lock, which
//! costs a tenth of a cache that keeps book of its readers; it is forgotten as a whole.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{PoisonError, RwLock},
};

/// Entries kept; beyond that it starts anew.
const MOST: usize = 10_000;

/// The map.
pub(crate) struct Memo<K, V>(RwLock<HashMap<K, V>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(RwLock::new(HashMap::new()))
    }
}

impl<K: Hash + Eq, V: Clone> Memo<K, V> {
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Keeps it if that holds still. Asked under the lock that forgetting takes as well, so that what was loaded before
    /// a change is never kept after it.
    pub(crate) fn insert_if(&self, key: K, value: V, holds: impl FnOnce() -> bool) {
        let mut map = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !holds() {
            return;
        }
        if map.len() >= MOST {
            map.clear();
        }
        map.insert(key, value);
    }

    pub(crate) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_is_kept_until_it_is_forgotten_and_never_too_much() {
        let memo: Memo<String, usize> = Memo::default();
        memo.insert_if("a".into(), 1, || true);
        memo.insert_if("b".into(), 2, || false);
        assert_eq!((memo.get("a"), memo.get("b")), (Some(1), None));
        memo.forget();
        assert_eq!(memo.get("a"), None);
        for at in 0..=MOST {
            memo.insert_if(at.to_string(), at, || true);
        }
        assert_eq!((memo.get("0"), memo.get(MOST.to_string().as_str())), (None, Some(MOST)));
    }
}
