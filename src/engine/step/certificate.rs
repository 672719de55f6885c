//! A serving certificate in a Secret, for a program of the cluster that would make one itself, a minute too late.
//!
//! MetalLB's controller fills the Secret that is mounted into it when it finds it empty, and then waits until kubelet
//! brings it what it has just written. kubelet looks at mounted Secrets once a minute, at a running pod after up to a
//! minute and a half. One that is filled before the pod starts is there at once. What is made here is what that program
//! (open-policy-agent/cert-controller) takes for its own, and renews 90 days before its end.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey as _, LineEnding};
use rsa::pkcs8::EncodePrivateKey as _;
use sealift_k8s::{Document, ObjectRef};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::act::ClusterAct;
use super::kubeadm;
use crate::{Change, ClusterEyes, ClusterHands, Ctx, StepError, time};

/// A Secret with a certificate and the authority that signed it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificate {
    /// The Secret's name.
    secret: String,
    namespace: String,
    /// The server's DNS name.
    server: String,
    /// Subject of the authority, organization and name, by which the program knows it as its own.
    authority: (String, String),
    /// The Helm release that has this Secret among its objects.
    release: String,
}

/// As long as the programs' own; both end together, so that the program makes both anew.
const LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);
/// Clocks of a site may go back to where they should be.
const EARLIER: Duration = Duration::from_hours(2 * 24);
const LIMIT: Duration = Duration::from_mins(5);

/// Whatever of the libraries said no.
type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Certificate {
    fn object(&self) -> ObjectRef {
        ObjectRef::new("v1", "Secret", Some(&self.namespace), &self.secret)
    }

    /// The namespace and the Secret, under helm's name: helm takes over what carries its release.
    fn documents(&self, now: SystemTime) -> Result<Vec<Document>, Failed> {
        let data = made(&self.server, &self.authority, now)?;
        let data: serde_json::Map<_, _> =
            data.into_iter().map(|(key, text)| (key.to_owned(), json!(STANDARD.encode(text)))).collect();
        let namespace = ObjectRef::new("v1", "Namespace", None, &self.namespace);
        let name = json!({"name": self.namespace});
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": name});
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
            "metadata": {
                "name": self.secret, "namespace": self.namespace,
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {
                    "meta.helm.sh/release-name": self.release, "meta.helm.sh/release-namespace": self.namespace,
                },
            },
        });
        Ok(vec![Document { object: namespace, body }, Document { object: self.object(), body: secret }])
    }
}

/// The Secret's keys and what is in them, in PEM.
fn made(
    server: &str,
    authority: &(String, String),
    now: SystemTime,
) -> Result<[(&'static str, String); 4], Failed> {
    let day = |at| {
        let (year, month, day) = time::date(at);
        date_time_ymd(year, month, day)
    };
    let lasting = |name: &str| -> Result<CertificateParams, Failed> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        (params.not_before, params.not_after) = (day(now - EARLIER), day(now + LIFETIME));
        Ok(params)
    };
    let (organization, name) = authority;
    let mut params = lasting(name)?;
    params.distinguished_name.push(DnType::OrganizationName, organization);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    // the program reads its authority's key as RSA in PKCS#1 and as nothing else
    let rsa = RsaPrivateKey::new(&mut rand::rng(), 2048)?;
    let signs =
        KeyPair::from_pkcs8_der_and_sign_algo(&rsa.to_pkcs8_der()?.as_bytes().into(), &PKCS_RSA_SHA256)?;
    let authority = CertifiedIssuer::self_signed(params, signs)?;
    let key = KeyPair::generate()?;
    let mut params = lasting(server)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &authority)?;
    Ok([
        ("ca.crt", authority.pem()),
        ("ca.key", rsa.to_pkcs1_pem(LineEnding::LF)?.to_string()),
        ("tls.crt", certificate.pem()),
        ("tls.key", key.serialize_pem()),
    ])
}

impl ClusterAct for Certificate {
    /// Whether there is one.
    type Seen = bool;

    async fn observe(&self, eyes: &ClusterEyes<'_>, ctx: &Ctx<'_>) -> Result<bool, StepError> {
        let Some(api) = &eyes.api else {
            let expect = self.diff(&false, ctx)?;
            return Err(kubeadm::cannot_be_asked(&eyes.probe, ctx, kubeadm::SILENT, expect).await);
        };
        let live = api.get(&self.object()).await;
        let live = live.map_err(StepError::below(format!("asking for {}", self.object())))?;
        Ok(live.is_some_and(|live| live.data.pointer("/data/tls.crt").is_some_and(|text| text != "")))
    }

    fn diff(&self, seen: &bool, _ctx: &Ctx<'_>) -> Result<Vec<Change>, StepError> {
        let reason = "its program would make one itself, and wait a minute for it";
        let change = || Change::new(self.object().to_string(), "no certificate", "with one", reason);
        Ok((!seen).then(change).into_iter().collect())
    }

    async fn apply(
        &self,
        hands: &ClusterHands<'_>,
        ctx: &Ctx<'_>,
        _changes: &[Change],
    ) -> Result<(), StepError> {
        let doing = format!("making a certificate for {}", self.server);
        let documents = self.documents(SystemTime::now()).map_err(StepError::below(doing))?;
        let applied = hands.api()?.apply(&documents, LIMIT, &|why| ctx.note(why)).await;
        applied.map(drop).map_err(StepError::below(format!("applying {}", self.object())))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, SystemTime};

    use super::made;

    /// By another program: the chain holds for nine years, and the authority is known by the name that it must have.
    #[test]
    fn openssl_finds_the_server_signed_by_the_authority() {
        let dir = tempfile::tempdir().unwrap();
        let authority = ("metallb".to_owned(), "cert".to_owned());
        let now = SystemTime::now();
        for (name, text) in made("hook.metallb-system.svc", &authority, now).unwrap() {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let later = now + Duration::from_hours(9 * 365 * 24);
        let later = later.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().to_string();
        let openssl = |args: &[&str]| {
            let output = Command::new("openssl").args(args).current_dir(dir.path()).output().unwrap();
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let verify = ["verify", "-attime", &later, "-CAfile", "ca.crt", "-purpose", "sslserver"];
        openssl(&[&verify[..], &["-verify_hostname", "hook.metallb-system.svc", "tls.crt"]].concat());
        openssl(&[&verify[..], &["-verify_hostname", "cert", "ca.crt"]].concat());
        let subject = openssl(&["x509", "-in", "ca.crt", "-noout", "-subject"]);
        assert!(subject.contains("metallb") && subject.contains("cert"), "{subject}");
        for (certificate, key) in [("ca.crt", "ca.key"), ("tls.crt", "tls.key")] {
            let of_certificate = openssl(&["x509", "-in", certificate, "-noout", "-pubkey"]);
            assert_eq!(of_certificate, openssl(&["pkey", "-in", key, "-pubout"]));
        }
    }
}
