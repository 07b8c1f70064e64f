//! `PromptService`.

use crate::domain::prompts::{CheckInPrompts, Prompt};
use candor_proto::content::v1::{self as proto, prompt_service_server::PromptService};
use chassis::Fault;
use chassis::rpc::admit_public;
use tonic::{Request, Response, Status};

/// The questions that anyone may read.
pub struct Prompts {
    check_ins: CheckInPrompts,
}

impl Prompts {
    /// Answers from these.
    pub fn new(check_ins: CheckInPrompts) -> Self {
        Self { check_ins }
    }
}

#[tonic::async_trait]
impl PromptService for Prompts {
    async fn list_check_in_prompts(
        &self,
        request: Request<proto::ListCheckInPromptsRequest>,
    ) -> Result<Response<proto::ListCheckInPromptsResponse>, Status> {
        let request = admit_public(request)?;
        let check_in_id =
            request.check_in_id.parse().map_err(|_| Fault::invalid_field("check_in_id", "is not a UUID"))?;
        let prompts = self.check_ins.of_check_in(check_in_id).into_iter().map(prompt_to_proto).collect();
        Ok(Response::new(proto::ListCheckInPromptsResponse { prompts }))
    }
}

fn prompt_to_proto(prompt: &Prompt) -> proto::Prompt {
    proto::Prompt { prompt_id: prompt.id.clone(), text: prompt.text.clone() }
}
