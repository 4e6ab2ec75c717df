//! Policies.

use super::{Answer, App, Call, created, done, ok};
use assay_model::{access::Permission, problem::Problem};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn list(app: Arc<App>, call: Call) -> Answer {
    let policies = app.engine.policies(&call.caller).await?;
    ok(&json!({"policies": policies, "failing": app.engine.failing_policies(&call.caller).await?}))
}

/// One of them; `failing` says on how many packages it fails at run time.
pub(crate) async fn show(app: Arc<App>, call: Call) -> Answer {
    let slug = call.param("slug");
    let policies = app.engine.policies(&call.caller).await?;
    let Some(policy) = policies.iter().find(|policy| policy.slug == slug) else {
        return Err(Problem::not_found(format!("there is no policy `{slug}`; GET /api/v1/policies names all")));
    };
    let failing = app.engine.failing_policies(&call.caller).await?.get(slug).copied().unwrap_or(0);
    ok(&json!({"policy": policy, "failing": failing}))
}

pub(crate) async fn save(app: Arc<App>, mut call: Call) -> Answer {
    let draft = call.json().await?;
    created(&app.engine.save_policy(&call.caller, draft).await?)
}

pub(crate) async fn remove(app: Arc<App>, call: Call) -> Answer {
    app.engine.remove_policy(&call.caller, call.param("slug")).await?;
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    rego: String,
}

pub(crate) async fn validate(app: Arc<App>, mut call: Call) -> Answer {
    call.caller.require_everywhere(Permission::Read)?;
    let Source { rego } = call.json().await?;
    ok(&app.engine.validate_policy(&call.caller, rego).await?)
}

pub(crate) async fn schema(app: Arc<App>, call: Call) -> Answer {
    ok(&app.engine.policy_schema(call.param("version"))?)
}
