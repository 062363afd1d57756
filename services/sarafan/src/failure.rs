//! How a command ends when it does not end well: the text and the exit code.

use std::process::ExitCode;

use sarafan_runtime::config::ConfigErrors;

/// The exit codes of every command, as `sarafan --help` tells them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 a check failed, 2 wrong usage or configuration, 3 a fault that needs a person.";

/// A check that was made and did not hold. Its text is what the command prints last.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CheckFailed(pub(crate) String);

/// What was asked for cannot be: an option or a file named wrongly.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);

/// The exit code that an error stands for.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<CheckFailed>() {
        ExitCode::from(1)
    } else if error.is::<ConfigErrors>() || error.is::<WrongUsage>() {
        ExitCode::from(2)
    } else {
        ExitCode::from(3)
    }
}

/// An error with its causes on one line. Many errors quote their cause in their own text; it is not said twice.
pub(crate) fn line(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |mut text, cause| {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context as _, anyhow};
    use sarafan_runtime::config::Document;

    #[test]
    fn a_failed_check_a_wrong_configuration_and_a_fault_have_their_own_exit_codes() {
        let code = |error: anyhow::Error| format!("{:?}", exit_code(&error));
        assert_eq!(
            code(CheckFailed("two figures differ".to_owned()).into()),
            code(anyhow!(CheckFailed(String::new())))
        );
        let wrong = Document::from_text("sarafan.toml", "a = [").unwrap_err();
        assert_eq!(code(wrong.into()), code(WrongUsage("no such file".to_owned()).into()));
        assert_eq!(code(anyhow!("the brokers are gone")), format!("{:?}", ExitCode::from(3)));
    }

    #[test]
    fn a_cause_that_is_quoted_already_is_not_said_twice() {
        let error =
            Err::<(), _>(anyhow!("refused")).context("connect: refused").context("migrate").unwrap_err();
        assert_eq!(line(&error), "migrate: connect: refused");
    }
}
