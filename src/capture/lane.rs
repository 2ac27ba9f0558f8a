//! The connection to the upstream, driven by whoever waits for something from it: a client's pair is one task, so nothing is handed from
//! task to task on its way.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use hyper::client::conn::http1::Connection;
use hyper_util::rt::TokioIo;

use super::tap::Upload;
use crate::http::Stream;

/// HTTP/1.1 spoken on a connection.
type Spoken = Connection<TokioIo<Box<dyn Stream>>, Upload>;

/// A connection that moves on only while somebody drives it.
#[derive(Clone)]
pub struct Lane(Arc<Mutex<Option<Pin<Box<Spoken>>>>>);

impl Lane {
    /// A connection that stands.
    pub fn new(spoken: Spoken) -> Self {
        Lane(Arc::new(Mutex::new(Some(Box::pin(spoken)))))
    }

    /// Lets it read and write what it can; what it ends with comes to whoever waits for an answer or a body.
    pub fn drive(&self, cx: &mut Context<'_>) {
        let mut spoken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spoken.as_mut().is_some_and(|spoken| spoken.as_mut().poll(cx).is_ready()) {
            *spoken = None;
        }
    }

    /// Drives it until a future is ready that waits for it.
    pub async fn until<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            // First, so that a connection that has ended meanwhile is not taken for a good one.
            self.drive(cx);
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            self.drive(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Closes it at once.
    pub fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
