//! The socket of a connection: notes what arrives and what was written.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::places::{Place, Seat};

/// A socket, and its place among the connections for as long as it is open, after an upgrade too.
#[derive(Debug)]
pub(super) struct Socket {
    // The descriptor is closed before the place is free.
    stream: TcpStream,
    seat: Seat,
    /// What was read from the socket and not parsed yet.
    unparsed: Bytes,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, seat: Seat) -> Self {
        Socket { stream, seat, unparsed: Bytes::new() }
    }

    pub(super) fn place(&self) -> &Place {
        self.seat.place()
    }

    /// Puts back what was read last and not parsed.
    pub(super) fn put_back(&mut self, last: Bytes) {
        self.unparsed =
            if self.unparsed.is_empty() { last } else { [last, self.unparsed.split_off(0)].concat().into() };
    }

    /// Whether a read would find something, be it the end.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.unparsed.is_empty() { self.stream.poll_read_ready(context).map(drop) } else { Poll::Ready(()) }
    }

    /// Reads what the client still sends, up to a bound, until it closes. What is unread when a socket is closed resets the
    /// connection, and the client may lose the answer.
    pub(super) async fn drain(self) {
        let mut left = 256 * 1024_usize;
        while left > 0 && self.stream.readable().await.is_ok() {
            match self.stream.try_read(&mut [0; 4096]) {
                Ok(0) => return,
                Ok(length) => left = left.saturating_sub(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.unparsed.is_empty() {
            let length = self.unparsed.len().min(buffer.remaining());
            buffer.put_slice(&self.unparsed.split_to(length));
            self.place().note_byte();
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.place().note_byte();
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.place().note_write(written.is_pending());
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.place().note_flush();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.place().note_write(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
