//! Somebody who can be asked, and remembers what.

use std::sync::{Arc, Mutex};

use sealift_node::{Ask, Secret, Shared, Wanted};

pub(crate) struct Person {
    answers: Vec<String>,
    pub(crate) asked: Mutex<Vec<Wanted>>,
}

impl Person {
    /// Gives these answers one after another, and then says that there is none.
    pub(crate) fn who_says(answers: &[&str]) -> Arc<Self> {
        let answers = answers.iter().rev().map(|&answer| answer.to_owned()).collect();
        Arc::new(Self { answers, asked: Mutex::default() })
    }

    pub(crate) fn shared(self: &Arc<Self>) -> Arc<Shared> {
        Arc::new(Shared::new(Arc::clone(self) as Arc<dyn Ask>))
    }

    pub(crate) fn was_asked(&self) -> Vec<Wanted> {
        self.asked.lock().unwrap().clone()
    }
}

impl Ask for Person {
    fn ask(&self, wanted: &Wanted) -> Result<Secret, String> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(wanted.clone());
        let turn = self.answers.len().checked_sub(asked.len());
        turn.map(|at| Secret::new(self.answers[at].clone())).ok_or_else(|| "nobody answers".to_owned())
    }
}
