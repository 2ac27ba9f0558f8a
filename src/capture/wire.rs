//! The client's connection, watched: has everything that was given to it been written, and does it end in a reset?

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What is known of a client's connection, and how it is to end.
#[derive(Default)]
pub struct Line {
    flushes: AtomicU64,
    waiting: AtomicWaker,
    reset: AtomicBool,
}

impl Line {
    /// How many times everything that was buffered has been written.
    pub fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Acquire)
    }

    /// Ready once everything was written that was buffered when this many flushes had been counted.
    pub fn poll_flushed(&self, since: u64, cx: &Context<'_>) -> Poll<()> {
        self.waiting.register(cx.waker());
        if self.flushes() > since { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The connection shall end in a reset, as the upstream's did.
    pub fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }
}

/// A client's connection.
pub struct Wire {
    io: TokioIo<TcpStream>,
    line: Arc<Line>,
}

impl Wire {
    /// Watches a connection.
    pub fn new(stream: TcpStream) -> (Wire, Arc<Line>) {
        let line = Arc::new(Line::default());
        (Wire { io: TokioIo::new(stream), line: line.clone() }, line)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::Acquire) {
            // Where the system does not know this, the connection ends without one.
            let _ = self.io.inner().set_zero_linger();
        }
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// Called when nothing is left in the buffers above.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        if flushed.is_ready() {
            self.line.flushes.fetch_add(1, Ordering::Release);
            self.line.waiting.wake();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
