//! The laboratory's networks in a page: `lab-core` as WebAssembly, behind plain functions on linear memory.
//!
//! The page asks for [`room`], writes bytes there and calls a function. A function returns how many floats it has left at
//! [`results`], or, negative, the length of the message at [`message`]. There are no threads, and the portable kernels
//! are used: without fused multiply-add the last digits differ from those of most processors.

#![deny(unsafe_code)]

pub mod network;
pub mod picture;

use std::cell::RefCell;

use lab_core::{LabError, Result};

use network::Network;

/// What lives between two calls.
#[derive(Default)]
struct Page {
    /// Where the page writes; its last bytes are those of the call before.
    room: Vec<u8>,
    networks: Vec<Network>,
    results: Vec<f32>,
    message: String,
}

std::thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

/// Does the work of a call, and keeps what it gives.
fn call(work: impl FnOnce(&mut Page) -> Result<Vec<f32>>) -> i32 {
    PAGE.with_borrow_mut(|page| match work(page) {
        Ok(results) => {
            page.results = results;
            page.results.len() as i32
        }
        Err(error) => {
            page.message = error.to_string();
            -(page.message.len() as i32)
        }
    })
}

impl Page {
    fn network(&mut self, number: usize) -> Result<&mut Network> {
        let (found, loaded) = (format!("network {number}"), self.networks.len());
        let missing = || LabError::value("page", found, format!("one of {loaded}"), "load it");
        self.networks.get_mut(number).ok_or_else(missing)
    }
}

#[allow(
    unsafe_code,
    reason = "functions that a page finds by name; nothing in them is unsafe"
)]
mod exports {
    use super::*;

    /// Room for this many bytes, which the page may write until the next call.
    #[unsafe(no_mangle)]
    pub extern "C" fn room(bytes: usize) -> *mut u8 {
        PAGE.with_borrow_mut(|page| {
            page.room = vec![0; bytes];
            page.room.as_mut_ptr()
        })
    }

    /// Loads the network in the room ([`Network::read`]); its number counts from 0.
    #[unsafe(no_mangle)]
    pub extern "C" fn load() -> i32 {
        call(|page| {
            let network = Network::read(&std::mem::take(&mut page.room))?;
            page.networks.push(network);
            Ok(vec![])
        })
    }

    /// Makes the square RGBA picture in the room, `side` pixels wide, a picture of 32 × 32; leaves its RGB bytes.
    #[unsafe(no_mangle)]
    pub extern "C" fn shrink(side: usize) -> i32 {
        call(|page| {
            let small = picture::shrink(&page.room, side)?;
            Ok(small.into_iter().map(f32::from).collect())
        })
    }

    /// The probabilities of the ten classes for the 32 × 32 RGB bytes in the room.
    #[unsafe(no_mangle)]
    pub extern "C" fn predict(network: usize) -> i32 {
        call(|page| {
            let bytes = std::mem::take(&mut page.room);
            page.network(network)?.predict(&bytes)
        })
    }

    /// The features of the last hidden layer for the 32 × 32 RGB bytes in the room, one picture after another.
    #[unsafe(no_mangle)]
    pub extern "C" fn hidden(network: usize) -> i32 {
        call(|page| {
            let bytes = std::mem::take(&mut page.room);
            page.network(network)?.hidden(&bytes)
        })
    }

    /// How much each part of the input moves the class's pre-activation, for the 32 × 32 RGB bytes in the room.
    #[unsafe(no_mangle)]
    pub extern "C" fn saliency(network: usize, class: usize) -> i32 {
        call(|page| {
            let bytes = std::mem::take(&mut page.room);
            page.network(network)?.saliency(&bytes, class)
        })
    }

    /// The floats that the last call has left.
    #[unsafe(no_mangle)]
    pub extern "C" fn results() -> *const f32 {
        PAGE.with_borrow(|page| page.results.as_ptr())
    }

    /// The message, in UTF-8, of the last call that failed.
    #[unsafe(no_mangle)]
    pub extern "C" fn message() -> *const u8 {
        PAGE.with_borrow(|page| page.message.as_ptr())
    }
}

pub use exports::*;
