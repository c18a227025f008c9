//! What every durable target must do before it is measured: the same checks, or its figures say nothing.

use crate::load::{self, Failure, Request, Wanted};
use crate::target::{Service, Target};
use crate::wire::{self, Question, SALT};
use crate::workload::fresh;

/// More than any player has.
const TOO_MUCH: u64 = 999_999_999_999_999;

/// Asks each question rightly, twice, wrongly signed, and for more than there is.
///
/// # Errors
///
/// What is not kept.
pub fn kept(service: &Service) -> Result<(), Failure> {
    if service.target == Target::Bare {
        return Ok(());
    }
    for question in [Question::CheckDeposit, Question::RequestPayout] {
        let number = fresh();
        let request = wire::question(question, number);
        let first = told(service, &request, "a signed question is accepted")?;
        let second = told(service, &request, "a repetition is answered")?;
        if first != second {
            return Err(not(service, "a repetition gets the same answer", &format!("{first} and {second}")));
        }
        let fresh_answer = told(service, &wire::question(question, fresh()), "another question is accepted")?;
        if fresh_answer == first {
            return Err(not(service, "another question makes another order", &first));
        }
        let used = Wanted { status: 200, body: "transaction_id was used with other parameters" };
        let changed = wire::asked(question, number, 7_777, SALT, used);
        told(service, &changed, "a transaction_id is not taken for another question")?;
        let refused = Wanted { status: 200, body: "\"Invalid signature\"" };
        let forged = wire::asked(question, fresh(), 100, "another salt", refused);
        told(service, &forged, "a wrong signature is refused")?;
    }
    let poor = Wanted { status: 200, body: "\"code\":402," };
    let request = wire::asked(Question::RequestPayout, fresh(), TOO_MUCH, SALT, poor);
    told(service, &request, "nobody withdraws more than there is")?;
    Ok(())
}

/// The body of the answer, which must be the wanted one.
fn told(service: &Service, request: &Request, promise: &str) -> Result<String, Failure> {
    let (status, body) = load::ask(service.doors[request.door], &request.bytes)?;
    if status == request.wanted.status && body.contains(request.wanted.body) {
        return Ok(body);
    }
    Err(not(service, promise, &format!("HTTP {status} {body}")))
}

fn not(service: &Service, promise: &str, got: &str) -> Failure {
    format!("{}: not kept: {promise}: {got}", service.target.name())
}
