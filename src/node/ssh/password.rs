//! Logging in with a password, by either of the two methods that carry one: once.

use russh::MethodKind;
use russh::client::{AuthResult, KeyboardInteractiveAuthResponse as Response, Prompt};

use super::auth::{Attempt, within};
use super::secret::Wanted;
use super::shared::{Trial, Use};

/// Rounds of questions that a server may ask.
const ROUNDS: usize = 8;

/// How a conversation of questions and answers ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    In,
    Out,
    /// The password is right and has expired. It is not ours to choose the next one.
    Expired,
}

/// Tries the methods that the server still offers; true when we are in.
pub(super) async fn login(attempt: &mut Attempt<'_>) -> bool {
    let mut trial = None;
    if attempt.may(MethodKind::KeyboardInteractive) {
        let end = interactive(attempt, &mut trial).await;
        if let Some(trial) = trial.take() {
            // It was sent, so the other method, which is the same password to the same account, is left alone.
            verdict(trial, end != End::Out);
            return end == End::In;
        }
        if end == End::In {
            return true;
        }
    }
    if !attempt.may(MethodKind::Password) || attempt.session.is_closed() {
        return false;
    }
    let Some(trial) = wanted(attempt).await else { return false };
    attempt.untried = false;
    let user = attempt.target.user.clone();
    let answer = within(attempt.session.authenticate_password(user, trial.secret.expose())).await;
    let partly = matches!(&answer, Some(Ok(AuthResult::Failure { partial_success: true, .. })));
    let done = attempt.judged(answer);
    if !done && !partly {
        attempt.said.push("it does not take the password".to_owned());
    }
    verdict(trial, done || partly);
    done
}

fn verdict(trial: Trial, right: bool) {
    if right { trial.right() } else { trial.wrong() }
}

/// The password, for one attempt; without one, why is noted.
async fn wanted(attempt: &mut Attempt<'_>) -> Option<Trial> {
    let target = attempt.target;
    let given = target.shared.password(Use::Login, &target.user, &target.name).await;
    given.map_err(|why| attempt.said.push(format!("a password: {why}"))).ok()
}

async fn interactive(attempt: &mut Attempt<'_>, trial: &mut Option<Trial>) -> End {
    let user = attempt.target.user.clone();
    let started = attempt.session.authenticate_keyboard_interactive_start(user, None::<String>);
    let mut response = within(started).await;
    for _ in 0..ROUNDS {
        let prompts = match response {
            Some(Ok(Response::InfoRequest { instructions, prompts, .. })) => {
                if trial.is_some() && wants_another(&instructions, &prompts) {
                    let why =
                        "the password is right and has expired: log in there by hand once and set a new one";
                    attempt.said.push(why.to_owned());
                    return End::Expired;
                }
                prompts
            }
            Some(Ok(Response::Success)) => return End::In,
            Some(Ok(Response::Failure { remaining_methods, partial_success })) => {
                let failure = AuthResult::Failure { remaining_methods, partial_success };
                attempt.judged(Some(Ok::<_, russh::Error>(failure)));
                if partial_success {
                    trial.take().into_iter().for_each(Trial::right);
                } else if trial.is_some() {
                    attempt.said.push("it does not take the password".to_owned());
                }
                return End::Out;
            }
            Some(Err(error)) => {
                attempt.judged(Some(Err(error)));
                return End::Out;
            }
            None => {
                attempt.judged(None::<Result<AuthResult, russh::Error>>);
                return End::Out;
            }
        };
        let Some(answers) = answers(attempt, &prompts, trial).await else { return End::Out };
        attempt.untried = false;
        response = within(attempt.session.authenticate_keyboard_interactive_respond(answers)).await;
    }
    attempt.said.push("it asks one question after another".to_owned());
    End::Out
}

/// Whether the server goes on to a new password, by the words of PAM's modules; sshd hands on what they say before a
/// question in the question itself.
fn wants_another(instructions: &str, prompts: &[Prompt]) -> bool {
    let texts = prompts.iter().map(|prompt| prompt.prompt.as_str()).chain([instructions]);
    texts.map(str::to_lowercase).any(|text| {
        let has = |word: &str| text.contains(word);
        has("change your password")
            || has("has expired")
            || has("password expired")
            || (has("password") && (has("current") || has("new ") || has("retype")))
    })
}

/// Answers the server's questions. The same one twice is a refusal: it is not answered again.
async fn answers(
    attempt: &mut Attempt<'_>,
    prompts: &[Prompt],
    trial: &mut Option<Trial>,
) -> Option<Vec<String>> {
    let mut answers = vec![];
    for prompt in prompts {
        if !prompt.echo && prompt.prompt.to_lowercase().contains("password") {
            if trial.is_some() {
                attempt.said.push("it does not take the password".to_owned());
                return None;
            }
            let given = wanted(attempt).await?;
            answers.push(given.secret.expose().to_owned());
            *trial = Some(given);
            continue;
        }
        let shown: String = prompt.prompt.chars().filter(|c| !c.is_control()).take(120).collect();
        let wanted =
            Wanted::Answer { host: attempt.target.name.clone(), prompt: shown.clone(), echo: prompt.echo };
        match attempt.target.shared.answer(wanted).await {
            Ok(answer) => answers.push(answer.expose().to_owned()),
            Err(why) => {
                attempt.said.push(format!("it asks '{shown}': {why}"));
                return None;
            }
        }
    }
    Some(answers)
}
