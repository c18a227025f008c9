//! How many files the process may have open: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to the highest that the system allows this process. What it is then; `None` when there is no bound.
///
/// Most systems start a process with 1024, for programs of the last century. With that, a flood of idle connections leaves none for the
/// database and the Cashier.
///
/// # Errors
///
/// The limit stays as it was.
pub fn raise() -> Result<Option<u64>, String> {
    let now = getrlimit(Resource::Nofile);
    if now.current == now.maximum {
        return Ok(now.current);
    }
    let wanted = Rlimit { current: now.maximum, maximum: now.maximum };
    let most = now.maximum.map_or_else(|| "no bound".to_owned(), |most| most.to_string());
    setrlimit(Resource::Nofile, wanted)
        .map_err(|error| format!("open files: the limit stays below {most}: {error}"))?;
    Ok(now.maximum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_highest_that_is_allowed() {
        let raised = raise().expect("a lower limit than the highest may be raised");

        let now = getrlimit(Resource::Nofile);
        assert_eq!((now.current, now.maximum), (raised, raised));
        assert_eq!(raise(), Ok(raised), "there is no more");
    }
}
