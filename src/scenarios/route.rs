//! The routes of the portals: their methods, targets and names in the configuration.

use super::id::Id;

/// A route of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// `POST /api/v2/otp`: asks for a one-time pass.
    Pass,
    /// `POST /api/v2/otp/verify`: tries it.
    PassCheck,
    /// `GET /api/v2/beneficiaries/{id}`.
    Beneficiary,
    /// `GET /api/v2/beneficiaries?mobile=`.
    ByMobile,
    /// `GET /api/v2/slots?district=`: no personal data.
    Slots,
    /// `GET /partner/v1/person?mobile=`.
    Person,
    /// `GET /protocols/{n}`.
    Protocol,
    /// `GET /protocols/{n}/photo`.
    Photo,
    /// `GET /protocols/{n}/vehicle`.
    Vehicle,
    /// `PUT /protocols/{n}`.
    Change,
    /// `DELETE /protocols/{n}`.
    Removal,
    /// `POST /api/v2/vaccinations?id=`: the act behind a look-up, under the id of that look-up.
    Vaccination,
    /// `GET /reports/{file}.pdf`.
    Report,
    /// `POST /screening/identity` with the national code in the body. JSON logs have it as the
    /// field `identity`; a text log cannot, there it is one more segment of the path.
    Screening,
    /// `GET /api/v2/registrations?page=`.
    Pages,
    /// `GET /api/v2/exports?offset=`.
    Offsets,
    /// `GET /api/v2/changes?cursor=`.
    Cursors,
    /// `GET /healthz`: nobody's data.
    Health,
}

impl Route {
    /// The name in the configuration that the portal comes with; `None` where it has none.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Pass => Some("pass_request"),
            Self::PassCheck => Some("pass_check"),
            Self::Beneficiary => Some("beneficiary"),
            Self::ByMobile => Some("beneficiary_by_mobile"),
            Self::Slots => Some("slots"),
            Self::Person => Some("person"),
            Self::Protocol => Some("protocol"),
            Self::Photo | Self::Vehicle => Some("protocol_part"),
            Self::Change | Self::Removal => Some("protocol_change"),
            Self::Vaccination => Some("vaccination"),
            Self::Report => Some("report"),
            Self::Screening => Some("screening"),
            Self::Pages => Some("registrations"),
            Self::Offsets => Some("exports"),
            Self::Cursors => Some("changes"),
            Self::Health => None,
        }
    }

    /// The method.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Pass | Self::PassCheck | Self::Vaccination | Self::Screening => "POST",
            Self::Change => "PUT",
            Self::Removal => "DELETE",
            _ => "GET",
        }
    }

    /// Whether it is a part of a record that was found on another route.
    #[must_use]
    pub const fn is_part(self) -> bool {
        matches!(self, Self::Photo | Self::Vehicle)
    }

    /// Whether it writes.
    #[must_use]
    pub const fn is_write(self) -> bool {
        matches!(self, Self::Change | Self::Removal | Self::Vaccination)
    }

    /// Whether the subject stands in the body, and not in the target.
    #[must_use]
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Screening)
    }

    /// Appends path and query for this subject.
    pub fn write_target(self, subject: Id, out: &mut Vec<u8>) {
        let (before, after) = match self {
            // Not every portal logs whom a pass is for.
            Self::Pass if subject == Id::NONE => ("/api/v2/otp", ""),
            Self::PassCheck if subject == Id::NONE => ("/api/v2/otp/verify", ""),
            Self::Pass => ("/api/v2/otp?mobile=", ""),
            Self::PassCheck => ("/api/v2/otp/verify?mobile=", ""),
            Self::Beneficiary => ("/api/v2/beneficiaries/", ""),
            Self::ByMobile => ("/api/v2/beneficiaries?mobile=", ""),
            Self::Slots => ("/api/v2/slots?district=", ""),
            Self::Person => ("/partner/v1/person?mobile=", ""),
            Self::Protocol => ("/protocols/", ""),
            Self::Photo => ("/protocols/", "/photo"),
            Self::Vehicle => ("/protocols/", "/vehicle"),
            Self::Change | Self::Removal => ("/protocols/", ""),
            Self::Vaccination => ("/api/v2/vaccinations?id=", ""),
            Self::Report => ("/reports/", ".pdf"),
            Self::Screening => ("/screening/identity", ""),
            Self::Pages => ("/api/v2/registrations?page=", ""),
            Self::Offsets => ("/api/v2/exports?offset=", ""),
            Self::Cursors => ("/api/v2/changes?cursor=", ""),
            Self::Health => ("/healthz", ""),
        };
        out.extend_from_slice(before.as_bytes());
        if !self.has_body() {
            subject.write(out);
        }
        out.extend_from_slice(after.as_bytes());
    }
}
