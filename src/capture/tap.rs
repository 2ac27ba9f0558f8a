//! Bodies that are noted while they pass.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::record::{End, Record};
use super::wire::Line;
use crate::evidence::FaultKind;
use crate::http;
use crate::pace::Pace;

/// The request's body on its way to the upstream.
pub struct Upload {
    inner: Incoming,
    record: Arc<Record>,
}

impl Upload {
    /// Notes a body.
    pub fn new(inner: Incoming, record: Arc<Record>) -> Self {
        Upload { inner, record }
    }

    /// Reads as much as is kept, so that a request that goes nowhere is known all the same.
    pub async fn drain(mut self) {
        let mut left = Pace::default().max_body;
        while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            left = left.saturating_sub(length);
            if left == 0 {
                return;
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            self.record.sent(data);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// The answer's body on its way to the client.
pub struct Download {
    inner: Incoming,
    record: Arc<Record>,
    line: Arc<Line>,
    /// What cut the body, held back until everything before it has left for the client, and the flushes counted by then.
    cut: Option<(hyper::Error, u64)>,
}

impl Download {
    /// Notes a body; one without content ends the exchange at once.
    pub fn new(inner: Incoming, record: Arc<Record>, line: Arc<Line>) -> Self {
        if inner.is_end_stream() {
            record.end(End::Complete);
        }
        Download { inner, record, line, cut: None }
    }

    fn note(&mut self, frame: Option<&Frame<Bytes>>) {
        if let Some(data) = frame.and_then(Frame::data_ref) {
            self.record.came(data);
        }
        if frame.is_none() || self.inner.is_end_stream() {
            self.record.end(End::Complete);
        }
    }

    fn failed(&mut self, error: hyper::Error) {
        let fault = http::cut(&error, self.record.ms());
        if fault.kind == FaultKind::Reset {
            self.line.reset();
        }
        self.record.end(End::Failed(fault));
        self.cut = Some((error, self.line.flushes()));
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.cut.is_none() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Err(error)) => self.failed(error),
                frame => {
                    let frame = frame.transpose()?;
                    self.note(frame.as_ref());
                    return Poll::Ready(frame.map(Ok));
                }
            }
        }
        // An error here makes the server drop what it has not written yet.
        if let Some((_, since)) = &self.cut {
            ready!(self.line.poll_flushed(*since, cx));
        }
        Poll::Ready(self.cut.take().map(|(error, _)| Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.record.abandon();
    }
}

/// What the client gets: the upstream's answer, or one of our own.
pub enum Answer {
    /// The upstream's.
    Passed(Download),
    /// Ours.
    Own(Option<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Answer::Passed(download) => Pin::new(download).poll_frame(cx),
            Answer::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Answer::Passed(download) => download.is_end_stream(),
            Answer::Own(bytes) => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Answer::Passed(download) => download.size_hint(),
            Answer::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
        }
    }
}

/// Ends the record when its request is given up before an answer began.
pub struct Waiting(Option<Arc<Record>>);

impl Waiting {
    /// Waits for the answer to what this record is about.
    pub fn new(record: &Arc<Record>) -> Self {
        Waiting(Some(record.clone()))
    }

    /// An answer began: from now on its body ends the record.
    pub fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.iter().for_each(|record| record.abandon());
    }
}
