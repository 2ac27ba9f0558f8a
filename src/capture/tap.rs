//! Bodies that are noted while they pass.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::lane::Lane;
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

/// Bytes that are handed on in one piece when they are there together.
const TOGETHER: usize = 64 * 1024;

/// What a body gives when it is asked.
type Given = Option<Result<Frame<Bytes>, hyper::Error>>;

/// The answer's body on its way to the client.
pub struct Download {
    inner: Incoming,
    lane: Lane,
    record: Arc<Record>,
    line: Arc<Line>,
    /// What came right behind data that had to go first.
    next: Option<Given>,
    /// What cut the body, held back until everything before it has left for the client, and the flushes counted by then.
    cut: Option<(hyper::Error, u64)>,
    over: bool,
}

impl Download {
    /// Notes a body; one without content ends the exchange at once.
    pub fn new(inner: Incoming, lane: Lane, record: Arc<Record>, line: Arc<Line>) -> Self {
        let mut download = Download { inner, lane, record, line, next: None, cut: None, over: false };
        if download.inner.is_end_stream() {
            download.ended();
        }
        download
    }

    /// Nothing more will come, whether it was asked for or not.
    fn has_ended(&self) -> bool {
        match &self.next {
            _ if self.cut.is_some() => false,
            None => self.inner.is_end_stream(),
            Some(next) => next.is_none(),
        }
    }

    fn ended(&mut self) {
        self.over = true;
        self.record.end(End::Complete);
    }

    fn failed(&mut self, error: hyper::Error) {
        let fault = http::cut(&error, self.record.ms());
        if fault.kind == FaultKind::Reset {
            self.line.reset();
        }
        self.record.end(End::Failed(fault));
        self.cut = Some((error, self.line.flushes()));
    }

    /// The next that the upstream gives, letting the connection read on where nothing is ready.
    fn poll_given(&mut self, cx: &mut Context<'_>) -> Poll<Given> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(next);
        }
        if let Poll::Ready(given) = Pin::new(&mut self.inner).poll_frame(cx) {
            return Poll::Ready(given);
        }
        self.lane.drive(cx);
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    /// Everything that is there by now, as one piece, and never waiting for more.
    fn poll_together(&mut self, cx: &mut Context<'_>) -> Poll<Given> {
        let first = match ready!(self.poll_given(cx)) {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            },
            other => return Poll::Ready(other),
        };
        self.record.came(&first);
        let mut together = BytesMut::from(first);
        while together.len() < TOGETHER {
            match self.poll_given(cx) {
                Poll::Ready(Some(Ok(frame))) if frame.is_data() => {
                    let data = frame.into_data().unwrap_or_default();
                    self.record.came(&data);
                    together.extend_from_slice(&data);
                }
                Poll::Ready(other) => {
                    self.next = Some(other);
                    break;
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(Some(Ok(Frame::data(together.freeze()))))
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Given> {
        if self.cut.is_none() {
            match ready!(self.poll_together(cx)) {
                Some(Err(error)) => self.failed(error),
                given => {
                    if given.is_none() || self.has_ended() {
                        self.ended();
                    }
                    return Poll::Ready(given);
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
        self.has_ended()
    }

    /// Only the whole length is ever asked for, before the first byte.
    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if !self.over {
            self.lane.close();
        }
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
