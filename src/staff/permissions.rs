//! Who may do what: one table, checked on the server for every request (threats ADM-5).

use crate::error::Error;

/// What somebody in the back office is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Declines, retries and closes reviews besides.
    Operator,
    /// Approves, resolves and adjusts besides.
    Approver,
    /// May do everything.
    Admin,
}

/// Every role with its name on the command line, in answers and in the `role` column.
const ROLES: [(Role, &str); 4] =
    [(Role::Viewer, "viewer"), (Role::Operator, "operator"), (Role::Approver, "approver"), (Role::Admin, "admin")];

impl Role {
    /// All of them, from the least to the most powerful.
    pub fn all() -> impl Iterator<Item = Self> {
        ROLES.iter().map(|(role, _)| *role)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        ROLES.iter().find(|(role, _)| *role == self).expect("every role has a name").1
    }

    /// The role with exactly this name.
    pub fn parse(name: &str) -> Option<Self> {
        ROLES.iter().find(|(_, known)| *known == name).map(|(role, _)| *role)
    }
}

/// A kind of thing done in the back office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// See orders, players and reviews.
    Read,
    /// Let a payout go.
    Approve,
    /// Refuse a payout that waits.
    Decline,
    /// Send a payout again, or ask what became of it.
    Retry,
    /// Decide how a payout ended.
    Resolve,
    /// Change a balance by hand.
    Adjust,
    /// Let payouts of a restored or copied database go out.
    ConfirmSending,
    /// Look something up at a provider.
    AskProvider,
    /// Change something at a provider: close an invoice, ask for a cancellation.
    ChangeAtProvider,
    /// Close a review.
    CloseReview,
    /// See who did what.
    ReadAudit,
}

/// Whether the role allows the act.
pub fn may(role: Role, act: Act) -> bool {
    match act {
        Act::Read | Act::ReadAudit => true,
        Act::Decline | Act::Retry | Act::AskProvider | Act::CloseReview => match role {
            Role::Viewer => false,
            Role::Operator | Role::Approver | Role::Admin => true,
        },
        Act::Approve | Act::Resolve | Act::Adjust | Act::ChangeAtProvider | Act::ConfirmSending => match role {
            Role::Viewer | Role::Operator => false,
            Role::Approver | Role::Admin => true,
        },
    }
}

/// Refuses an act that the role does not allow.
///
/// # Errors
///
/// `NotPermitted`.
pub fn require(role: Role, act: Act) -> Result<(), Error> {
    if may(role, act) { Ok(()) } else { Err(Error::NotPermitted(role.name())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_what_the_contract_says() {
        let table = [
            // viewer, operator, approver, admin
            (Act::Read, [true, true, true, true]),
            (Act::ReadAudit, [true, true, true, true]),
            (Act::Decline, [false, true, true, true]),
            (Act::Retry, [false, true, true, true]),
            (Act::CloseReview, [false, true, true, true]),
            (Act::Approve, [false, false, true, true]),
            (Act::Resolve, [false, false, true, true]),
            (Act::Adjust, [false, false, true, true]),
            (Act::ConfirmSending, [false, false, true, true]),
        ];
        for (act, allowed) in table {
            assert_eq!(Role::all().map(|role| may(role, act)).collect::<Vec<_>>(), allowed, "{act:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_role() {
        assert!(matches!(require(Role::Viewer, Act::Approve), Err(Error::NotPermitted("viewer"))));
        assert!(matches!(require(Role::Operator, Act::Adjust), Err(Error::NotPermitted("operator"))));
        assert!(require(Role::Approver, Act::Adjust).is_ok());
    }

    #[test]
    fn only_exact_names_are_roles() {
        for name in ["", "Admin", "ADMIN", " admin", "admin ", "root", "viewer\n"] {
            assert_eq!(Role::parse(name), None, "{name:?}");
        }
        assert!(Role::all().all(|role| Role::parse(role.name()) == Some(role)));
    }
}
