//! What does not hold, told in the same words by every campaign.

/// Prints the first `shown` problems, and how many more there are.
pub fn print(problems: &[String], shown: usize) {
    for problem in problems.iter().take(shown) {
        println!("does not hold: {problem}");
    }
    if problems.len() > shown {
        println!("and {} more problems: --json has all", problems.len() - shown);
    }
}
