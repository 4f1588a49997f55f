//! Independent computations side by side, one thread each. For small computations this is faster than one after the other
//! with all threads.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};

use crate::threads::Threads;

/// Runs `task` for every item, as many at a time as there are cores, and returns the results in the order of the items.
///
/// Inside of a task, [`Threads::new`] without a number gives one thread, so that tasks do not compete for cores; results do
/// not depend on it. A single item has all cores, and so has one that would be left over at the end, such as the third of
/// three on two cores. After an error no new item is started.
///
/// ```
/// use lab_kernels::side_by_side;
/// let squares = side_by_side(1..=4, |x| Ok::<_, String>(x * x));
/// assert_eq!(squares, Ok(vec![1, 4, 9, 16]));
/// ```
///
/// # Errors
/// The first error in the order of the items.
pub fn side_by_side<T: Send, R: Send, E: Send>(
    items: impl IntoIterator<Item = T>,
    task: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let mut items: Vec<T> = items.into_iter().collect();
    let workers = Threads::default_count().min(items.len());
    if workers <= 1 {
        return items.into_iter().map(task).collect();
    }
    let left_over = (items.len() % workers == 1).then(|| items.pop()).flatten();
    let waiting = Mutex::new(items.into_iter().enumerate());
    // The lock is held for a moment only, and nothing can panic meanwhile.
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let work = || {
        Threads::mark_nested();
        let mut results = Vec::new();
        while let Some((number, item)) = next() {
            let result = task(item);
            if result.is_err() {
                while next().is_some() {}
            }
            results.push((number, result));
        }
        results
    };
    let mut results = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let joined = workers.into_iter().map(|worker| worker.join());
        let results = joined.flat_map(|joined| joined.unwrap_or_else(|panic| resume_unwind(panic)));
        results.collect::<Vec<_>>()
    });
    results.sort_by_key(|(number, _)| *number);
    let results = results.into_iter().map(|(_, result)| result);
    let mut results = results.collect::<Result<Vec<R>, E>>()?;
    if let Some(item) = left_over {
        results.push(task(item)?);
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_each_item_is_taken_once() {
        let taken = AtomicUsize::new(0);
        let results = side_by_side(0..200, |item| {
            taken.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(item * 2)
        });
        assert_eq!(
            (results, taken.into_inner()),
            (Ok((0..200).map(|item| item * 2).collect()), 200)
        );
        assert_eq!(side_by_side(0..0, Ok::<i32, ()>), Ok(Vec::new()));
    }

    #[test]
    fn after_an_error_no_item_is_begun_and_the_first_error_is_given() {
        let taken = AtomicUsize::new(0);
        let result = side_by_side(0..10_000, |item| {
            taken.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(std::time::Duration::from_micros(50));
            if item == 3 { Err(item) } else { Ok(()) }
        });
        assert_eq!(result, Err(3));
        assert!(taken.into_inner() < 5_000);
    }

    #[test]
    fn a_computation_beside_others_has_one_thread_unless_it_asks_for_more() {
        let cores = Threads::default_count();
        let counts = side_by_side([None, None, Some(3)], |count| {
            Threads::new(count).map(|threads| threads.count())
        });
        assert_eq!(counts, Ok(vec![1, 1, 3]));
        let count = |_| Threads::new(None).map(|threads| threads.count());
        let one_more = side_by_side(0..=cores, count);
        assert_eq!(one_more.map(|counts| counts[cores]), Ok(cores));
        assert_eq!(Threads::new(None).map(|threads| threads.count()), Ok(cores));
    }
}
