//! A slice that several threads write at once, each its own part.

use std::marker::PhantomData;
use std::ops::Range;

/// A mutable slice that several threads may use; whoever takes a part promises that nobody else uses it.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    length: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a `&mut [T]`; parts of it may go to other threads as `&mut T` may when `T: Send`.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            length: slice.len(),
            borrowed: PhantomData,
        }
    }

    /// The part in `range`.
    ///
    /// # Safety
    /// No other part that overlaps it may be alive.
    #[allow(
        clippy::mut_from_ref,
        reason = "the caller promises that parts do not overlap"
    )]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        let length = range.len();
        // SAFETY: inside of the slice, as `start_of` checks; not aliased, as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start_of(range), length) }
    }

    /// Where the part in `range` begins, without a borrow: for interleaved parts, such as columns of a matrix.
    pub(crate) fn start_of(&self, range: Range<usize>) -> *mut T {
        let inside = range.start <= range.end && range.end <= self.length;
        assert!(inside, "a part lies inside of its slice");
        // SAFETY: inside of the slice, as just checked.
        unsafe { self.start.add(range.start) }
    }
}
