//! What `--upstream-…` means: the endpoint behind the gateway, and the secrets that it brings along.

use anyhow::{Result, bail, ensure};

use crate::evidence::Dialect;
use crate::secret::Secret;
use crate::target::{Auth, BaseUrl, Target};

use super::args::UpstreamArgs;
use super::settings::{key_in, scheme, secrets};

/// The upstream, if one was named, and every secret that was typed for it.
pub fn of(
    args: &UpstreamArgs,
    gateway: &BaseUrl,
    dialect: Dialect,
    env: impl Fn(&str) -> Option<String>,
) -> Result<(Option<Target>, Vec<Secret>)> {
    let Some(typed) = &args.upstream_url else {
        let from_variable = env("LLMDOCTOR_UPSTREAM_KEY").map(Secret::new);
        ensure!(
            args.upstream_key == from_variable || args.upstream_key.is_none(),
            "--upstream-key is of no use without --upstream-url URL"
        );
        return Ok((None, args.upstream_key.iter().cloned().collect()));
    };
    let base = match BaseUrl::parse(typed) {
        Ok(base) => base,
        Err(error) => bail!("--upstream-url: {error}"),
    };
    ensure!(base.url != gateway.url, "--upstream-url is the address of --base-url; it takes what stands behind the gateway");
    let key = args.upstream_key_file.as_deref().map(key_in).transpose()?.or_else(|| args.upstream_key.clone());
    let secrets = secrets(key.as_ref(), typed, &[]);
    let scheme = args.upstream_auth.map_or(dialect.scheme(), scheme);
    Ok((Some(Target { base, auth: Auth { key, scheme }, model: args.upstream_model.clone(), dialect }), secrets))
}
