//! The configuration of darban that fits a simulated portal.

use super::id::Layout;
use super::people::names_districts;
use super::portal::Portal;
use std::fmt::Write;

/// Who is who. The session's header comes first, so that it is the decoder's first extra.
const CLIENTS: &str = r#"[[clients.keys]]
kind = "session"
field = "header:x-session"      # the JSON formats; nginx and Envoy write the key x_session

[[clients.keys]]
kind = "session"
field = "user"                  # the text formats have one column
pattern = "s-*"

[[clients.keys]]
kind = "session"
field = "capture:2"             # HAProxy: user agent, forwarded, login or session
pattern = "s-*"

[[clients.keys]]
kind = "staff"
field = "user"
pattern = "clinic-*"

[[clients.keys]]
kind = "staff"
field = "capture:2"
pattern = "clinic-*"

[[clients.keys]]
kind = "partner"
field = "user"
pattern = "partner-*"

[[clients.keys]]
kind = "partner"
field = "capture:2"
pattern = "partner-*"

[[clients.keys]]
kind = "address"
"#;

/// Who is who, by somebody who knows where the log has a session and a login and no more.
const UNDECLARED: &str = r#"[clients]
crawlers = "none"
monitors = "none"

[[clients.keys]]
kind = "session"
field = "header:x-session"

[[clients.keys]]
kind = "credential"
field = "user"

[[clients.keys]]
kind = "address"
"#;

/// What is read by a field of the log's own, which comes first, so that it is the second extra.
const SCREENING: &str = r#"
# The code stands in the request's body, which the gateway logs as a field of its own.
[[routes]]
name = "screening"
methods = ["POST"]
path = "/screening/identity"
subject = "json:/identity"
class = "personal"
"#;

/// What is read besides beneficiaries by their id.
const ROUTES: &str = r#"
[[routes]]
name = "beneficiary_by_mobile"
methods = ["GET"]
path = "/api/v2/beneficiaries"
subject = "query:mobile"
class = "personal"

[[routes]]
name = "person"
methods = ["GET"]
path = "/partner/v1/person"
subject = "query:mobile"
class = "personal"

[[routes]]
name = "protocol"
methods = ["GET"]
path = "/protocols/{subject}"
class = "register"

[[routes]]
name = "protocol_part"
methods = ["GET"]
path = "/protocols/{subject}/{record}"
class = "register"

[[routes]]
name = "slots"
methods = ["GET"]
path = "/api/v2/slots"
class = "public"

[[routes]]
name = "pass_request"
methods = ["POST"]
path = "/api/v2/otp"
subject = "query:mobile"
class = "pass_request"

[[routes]]
name = "pass_check"
methods = ["POST"]
path = "/api/v2/otp/verify"
subject = "query:mobile"
class = "pass_check"

[[routes]]
name = "vaccination"
methods = ["POST"]
path = "/api/v2/vaccinations"
subject = "query:id"
class = "write"

[[routes]]
name = "protocol_change"
methods = ["PUT", "DELETE"]
path = "/protocols/{subject}"
class = "write"

# Text logs have no such field.
[[routes]]
name = "screening_in_path"
methods = ["POST"]
path = "/screening/identity/{subject}"
class = "personal"

[[routes]]
name = "registrations"
methods = ["GET"]
path = "/api/v2/registrations"
subject = "query:page"
class = "list"

[[routes]]
name = "exports"
methods = ["GET"]
path = "/api/v2/exports"
subject = "query:offset"
class = "list"

[[routes]]
name = "changes"
methods = ["GET"]
path = "/api/v2/changes"
subject = "query:cursor"
codec = "cursor"
class = "list"

[[routes]]
name = "report"
methods = ["GET"]
path = "/reports/{subject}.pdf"
class = "register"
"#;

/// Where the fields stand in lines of the format `custom`.
const CUSTOM: &str = r#"
[decode]
format = "custom"

[decode.custom]
time = "/ts"
path = "/req/path"
method = "/req/method"
status = "/status"
bytes = "/bytes"
peer = "/client/ip"
user = "/client/login"
user_agent = "/agent"
"#;

/// What a configuration needs besides to read lines of the format `custom`.
#[must_use]
pub const fn custom_toml() -> &'static str {
    CUSTOM
}

/// Client keys and routes of a portal as a configuration, all else at its defaults. It names no
/// source, receivers or state: other tables may follow it.
#[must_use]
pub fn config_toml(portal: &Portal) -> String {
    with_clients(CLIENTS, portal, names_districts(&portal.ids))
}

/// The same by an operator who declares no classes: a login is a login, a partner's too, and nobody
/// is believed to be a crawler or a monitor.
#[must_use]
pub fn undeclared_toml(portal: &Portal) -> String {
    with_clients(UNDECLARED, portal, names_districts(&portal.ids))
}

/// [`config_toml`] of a portal whose answers name the district of whom was found, whatever its ids.
pub(super) fn districts_toml(portal: &Portal) -> String {
    with_clients(CLIENTS, portal, true)
}

/// Where the log says what ids do not tell.
const DISTRICT: &str =
    "# The portal answers with the district of whom it found, and the gateway logs that.
region = \"json:/district\"
";

fn with_clients(clients: &str, portal: &Portal, names_districts: bool) -> String {
    let codec = match portal.ids.layout {
        Layout::Dense | Layout::Sparse => "auto",
        Layout::DateLed => "date_led",
        Layout::Uuid => "none",
    };
    let mut text = String::from(clients);
    let beneficiary = r#"
[[routes]]
name = "beneficiary"
methods = ["GET"]
path = "/api/v2/beneficiaries/{subject}"
class = "personal"
"#;
    text.push_str(SCREENING);
    text.push_str(beneficiary);
    let households = portal.ids.households;
    let written = writeln!(text, "codec = \"{codec}\"\nhouseholds = {households}");
    debug_assert!(written.is_ok(), "a string takes everything");
    if names_districts {
        text.push_str(DISTRICT);
    }
    text.push_str(ROUTES);
    text
}
