//! The `croupier` binary: starts the logger, runs one command, sets the exit code.

fn main() -> std::process::ExitCode {
    croupier::cli::main()
}
