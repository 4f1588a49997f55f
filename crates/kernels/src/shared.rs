//! One slice that several threads write at once, each in places of its own.

use std::marker::PhantomData;
use std::ops::Range;

/// A mutable slice that can be handed to several threads; who takes a part of it promises that no other has it.
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
        reason = "that is the purpose; the caller promises that parts do not overlap"
    )]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(
            range.start <= range.end && range.end <= self.length,
            "a part lies inside its slice"
        );
        // SAFETY: inside the slice, as just checked; not aliased, as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// Where the part in `range` begins, without borrowing it: for parts that interlock, like columns of a matrix.
    pub(crate) fn start_of(&self, range: Range<usize>) -> *mut T {
        assert!(
            range.start <= range.end && range.end <= self.length,
            "a part lies inside its slice"
        );
        // SAFETY: inside the slice, as just checked.
        unsafe { self.start.add(range.start) }
    }
}
