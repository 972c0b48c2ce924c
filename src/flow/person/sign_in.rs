//! The person who is signed in, in this browser.

use std::time::Duration;

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::error::Error;
use crate::oauth::grant::RowId;
pub(crate) use crate::store::SignedIn;

use super::admission;

/// How long a browser stays signed in.
pub(crate) const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// The sign-in of a session, if it has not expired and the person may still come in.
pub(crate) async fn find(app: &App, sign_in: Option<RowId>, now: UnixTime) -> Result<Option<SignedIn>, Error> {
    let Some(id) = sign_in else { return Ok(None) };
    let found = app.store.find_sign_in(id, now).await?;
    Ok(found.filter(|found| admission::is_admitted(&app.settings, &found.person)))
}
