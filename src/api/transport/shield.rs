//! The last layer before the wire: answers refused requests, survives a panic, and gives every error a body.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::{Request, Response};
use actix_service::Service;
use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::Side;
use super::answer;
use super::guard::{REFUSED_PATH, Verdict};
use super::request_id;

/// Around the whole application of one worker.
pub(super) struct Shield<S> {
    pub(super) inner: S,
    pub(super) side: Side,
}

impl<S> Service<Request> for Shield<S>
where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = Error>,
    S::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = Response<BoxBody>;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Response::from)
    }

    fn call(&self, request: Request) -> Self::Future {
        let side = self.side;
        if request.path() == REFUSED_PATH
            && let Some(fault) = request.conn_data::<Rc<Verdict>>().and_then(|verdict| verdict.head.get())
        {
            answer::count(fault);
            return Box::pin(async move { Ok(answer::error(side, fault.status())) });
        }
        let id = request_id::of(&request, side);
        // Routing runs in `call`, the handler in its future: either may panic. What they shared is not looked at again,
        // and a database transaction that was open is rolled back when its connection is dropped.
        let started = catch_unwind(AssertUnwindSafe(|| self.inner.call(request)));
        Box::pin(async move {
            let finished = match started {
                Ok(running) => AssertUnwindSafe(running).catch_unwind().await,
                Err(panic) => Err(panic),
            };
            let response = match finished {
                Ok(Ok(response)) => Response::from(response),
                Ok(Err(error)) => Response::from(error),
                Err(_) => {
                    log::error!("a handler panicked: answered 503, the next request is served");
                    Response::new(StatusCode::SERVICE_UNAVAILABLE)
                }
            };
            let mut response = answer::dress(side, response);
            request_id::put(id, &mut response);
            Ok(response)
        })
    }
}
