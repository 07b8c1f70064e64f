//! Bodies on their way in and out: requests are measured before they are collected, answers are followed to
//! their end.

use super::answer;
use super::observe::Record;
use crate::serve::MAX_MESSAGE_BYTES;
use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

/// A request's body, refused at the first message that declares more than the limit.
pub(super) struct Limited {
    body: Body,
    /// The five bytes before each message, as far as they have come: a flag and the length.
    prefix: Vec<u8>,
    /// Bytes of the current message still to come.
    rest: usize,
}

impl Limited {
    pub(super) fn new(body: Body) -> Self {
        Self { body, prefix: Vec::with_capacity(5), rest: 0 }
    }

    fn within_limit(&mut self, mut data: &[u8]) -> bool {
        while !data.is_empty() {
            if self.rest > 0 {
                let step = self.rest.min(data.len());
                self.rest -= step;
                data.advance(step);
                continue;
            }
            self.prefix.push(data.get_u8());
            if let [_, length @ ..] = self.prefix.as_slice()
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                self.rest = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                self.prefix.clear();
                if self.rest > MAX_MESSAGE_BYTES {
                    return false;
                }
            }
        }
        true
    }
}

impl HttpBody for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && !this.within_limit(data)
        {
            return Poll::Ready(Some(Err(answer::too_large().into())));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body: keeps the call's place and span, records how it ended, and ends when it is cut off.
pub(super) struct Observed {
    body: Body,
    record: Record,
    _place: Option<OwnedSemaphorePermit>,
    cut: CancellationToken,
    /// Made once there is something to wait for: most answers are ready.
    being_cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    ended: bool,
}

impl Observed {
    pub(super) fn new(
        body: Body,
        record: Record,
        place: Option<OwnedSemaphorePermit>,
        cut: CancellationToken,
    ) -> Self {
        Self { body, record, _place: place, cut, being_cut: None, ended: false }
    }

    /// Ends a stream that has begun: its status is in the trailers.
    fn end_with(&mut self, status: &Status) -> Frame<Bytes> {
        self.ended = true;
        self.record.finish(status.code());
        let mut trailers = HeaderMap::new();
        let _ = status.add_header(&mut trailers);
        Frame::trailers(trailers)
    }
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        let polled = {
            let _entered = this.record.working_span().map(Span::enter);
            catch_unwind(AssertUnwindSafe(|| Pin::new(&mut this.body).poll_frame(cx)))
        };
        let frame = match polled {
            Ok(Poll::Ready(frame)) => frame,
            Ok(Poll::Pending) => {
                let cut = &this.cut;
                let being_cut = this.being_cut.get_or_insert_with(|| Box::pin(cut.clone().cancelled_owned()));
                ready!(being_cut.as_mut().poll(cx));
                return Poll::Ready(Some(Ok(this.end_with(&answer::cut_off().into()))));
            }
            Err(_) => return Poll::Ready(Some(Ok(this.end_with(&answer::panicked().into())))),
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(code) =
                    frame.trailers_ref().and_then(|trailers| trailers.get(Status::GRPC_STATUS))
                {
                    this.record.finish(Code::from_bytes(code.as_bytes()));
                }
            }
            Some(Err(status)) => this.record.finish(status.code()),
            None => this.record.finish(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_across_frames_of_any_size() {
        let message = |length: u32| {
            let mut bytes = vec![0];
            bytes.extend(length.to_be_bytes());
            bytes
        };
        let mut limited = Limited::new(Body::empty());
        let mut stream = message(3);
        stream.extend(b"abc");
        stream.extend(message(0));
        stream.extend(message(u32::try_from(MAX_MESSAGE_BYTES).unwrap()));
        assert!(stream.iter().all(|byte| limited.within_limit(&[*byte])));

        let mut limited = Limited::new(Body::empty());
        let mut stream = message(1);
        stream.push(b'a');
        stream.extend(message(u32::try_from(MAX_MESSAGE_BYTES).unwrap() + 1));
        assert!(!limited.within_limit(&stream));
    }
}
