//! Which addresses Assay may connect to on behalf of others (upstreams, their redirects, webhooks): public ones, unless
//! the operator names networks or an upstream is allowed private ones. What counts is the address that a name resolves to
//! at the moment of connecting, so that a name cannot change its mind between check and use.

use anyhow::{Context as _, bail};
use assay_model::problem::{Kind, Problem};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};
use url::{Host, Url};

/// Addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: u128,
    bits: u32,
}

impl Network {
    fn contains(self, ip: IpAddr) -> bool {
        let differing = 128 - self.bits;
        (wide(ip) ^ self.base).checked_shr(differing).unwrap_or(0) == 0
    }
}

/// An address as IPv6 writes it, so that one comparison does for both.
fn wide(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl FromStr for Network {
    type Err = anyhow::Error;

    /// `10.0.0.0/8`, `fd00::/8`, or one address.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let wrong = || format!("`{text}` is no network; write it as 10.1.0.0/16 or fd00::/8");
        let (address, bits) = text.trim().split_once('/').map_or((text.trim(), None), |(a, b)| (a, Some(b)));
        let ip: IpAddr = address.parse().with_context(wrong)?;
        let width = if ip.is_ipv4() { 32 } else { 128 };
        let bits: u32 = bits.map_or(Ok(width), str::parse).with_context(wrong)?;
        if bits > width {
            bail!(wrong());
        }
        let network = Self { base: wide(ip), bits: bits + 128 - width };
        if network.base.checked_shl(network.bits).unwrap_or(0) != 0 {
            bail!("`{text}` has bits set beyond its prefix; did you mean a longer one?");
        }
        Ok(network)
    }
}

/// What an address is, as far as one may connect to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Anybody's.
    Public,
    /// Of this machine or its site.
    Private,
    /// Of the machine's own link, of cloud metadata services, of no single host: never meant as a registry.
    Special,
}

const fn network(a: u8, b: u8, c: u8, d: u8, bits: u32) -> Network {
    Network { base: Ipv4Addr::new(a, b, c, d).to_ipv6_mapped().to_bits(), bits: bits + 96 }
}

const fn network6(first: u16, second: u16, bits: u32) -> Network {
    Network { base: ((first as u128) << 112) | ((second as u128) << 96), bits }
}

/// The IANA registries of special-purpose addresses (RFC 6890 and its updates), and addresses at which clouds serve
/// metadata and credentials.
const PRIVATE: &[Network] = &[
    network(10, 0, 0, 0, 8),
    network(100, 64, 0, 0, 10),
    network(127, 0, 0, 0, 8),
    network(172, 16, 0, 0, 12),
    network(192, 168, 0, 0, 16),
    network(198, 18, 0, 0, 15),
    network6(0xfc00, 0, 7),
    // site-local, given up by RFC 3879 and still routed in places
    network6(0xfec0, 0, 10),
];

const SPECIAL: &[Network] = &[
    network(0, 0, 0, 0, 8),
    network(100, 100, 100, 200, 32),
    network(168, 63, 129, 16, 32),
    network(169, 254, 0, 0, 16),
    network(192, 0, 0, 0, 24),
    network(192, 88, 99, 0, 24),
    network(224, 0, 0, 0, 4),
    network(240, 0, 0, 0, 4),
    // fd00:ec2::254, where instances find their credentials
    Network { base: 0xfd00_0ec2_0000_0000_0000_0000_0000_0254, bits: 128 },
    // Teredo, ORCHID, benchmarks: what a registry is not
    network6(0x2001, 0, 23),
    network6(0x2001, 0x0db8, 32),
    network6(0x3fff, 0, 20),
];

fn reach(ip: IpAddr) -> Reach {
    if SPECIAL.iter().any(|n| n.contains(ip)) {
        return Reach::Special;
    }
    if PRIVATE.iter().any(|n| n.contains(ip)) || ip.is_loopback() {
        return Reach::Private;
    }
    match ip {
        IpAddr::V4(_) => Reach::Public,
        // only 2000::/3 is given out
        IpAddr::V6(v6) if v6.segments()[0] & 0xe000 == 0x2000 => Reach::Public,
        IpAddr::V6(_) => Reach::Special,
    }
}

/// The IPv4 address that a translator or tunnel would connect to: IPv4-mapped and IPv4-compatible (RFC 4291), NAT64
/// (RFC 6052), 6to4 (RFC 3056).
fn inner(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = v6.to_bits();
    let low = Ipv4Addr::from_bits((bits & 0xffff_ffff) as u32);
    let is = |prefix: u128, length: u32| (bits ^ prefix) >> (128 - length) == 0;
    if is(0xffff << 32, 96) || is(0x0064_ff9b << 96, 96) {
        return Some(low);
    }
    if is(0x2002 << 112, 16) {
        return Some(Ipv4Addr::from_bits(((bits >> 80) & 0xffff_ffff) as u32));
    }
    let compatible = is(0, 96) && !v6.is_loopback() && !v6.is_unspecified();
    compatible.then_some(low)
}

/// Refuses addresses.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    networks: Arc<[Network]>,
    private: bool,
}

/// Why nothing was connected to.
#[derive(Debug)]
pub struct Refused {
    host: String,
    reach: Reach,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match self.reach {
            Reach::Private => write!(
                f,
                "`{host}` is in a private network; an administrator can allow this for the upstream (`allow_private`), and the operator \
                 for a network (`allow_private_networks`)"
            ),
            _ => write!(
                f,
                "`{host}` is an address that no registry has (link-local, metadata, multicast or reserved); only the \
                 operator can allow it (`allow_private_networks`)"
            ),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::new(Kind::Upstream, REFUSED, refused.to_string())
    }
}

/// Code of the problem when an address is refused.
pub const REFUSED: &str = "refused-address";

impl Guard {
    /// A guard that lets public addresses pass, and these networks.
    ///
    /// # Errors
    /// When a network cannot be read; the message says which.
    pub fn new(networks: &[String]) -> anyhow::Result<Self> {
        let networks: Vec<Network> = networks.iter().map(|n| n.parse()).collect::<anyhow::Result<_>>()?;
        Ok(Self { networks: networks.into(), private: false })
    }

    /// The same that lets private addresses pass as well, though not the special ones.
    #[must_use]
    pub fn with_private(&self, allowed: bool) -> Self {
        Self { networks: self.networks.clone(), private: allowed }
    }

    fn judge(&self, ip: IpAddr) -> Result<(), Reach> {
        let named = |ip| self.networks.iter().any(|n| n.contains(ip));
        let reach = match ip {
            IpAddr::V6(v6) => match inner(v6) {
                Some(v4) if named(v4.into()) => return Ok(()),
                // 2002::/16 and 64:ff9b::/96 are as private as what they lead to
                Some(v4) => reach(v4.into()),
                None => reach(ip),
            },
            IpAddr::V4(_) => reach(ip),
        };
        match reach {
            _ if named(ip) => Ok(()),
            Reach::Public => Ok(()),
            Reach::Private if self.private => Ok(()),
            refused => Err(refused),
        }
    }

    /// Checks the host of a URL where it is an address itself, in whatever notation: `0x7f.1` is 127.0.0.1.
    ///
    /// # Errors
    /// When one must not connect to it.
    pub fn check_literal(&self, url: &Url) -> Result<(), Refused> {
        let ip = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            _ => return Ok(()),
        };
        self.judge(ip).map_err(|reach| Refused { host: ip.to_string(), reach })
    }

    /// Those of a name's addresses that one may connect to.
    ///
    /// # Errors
    /// When it has none, or none that one may.
    pub fn filter(&self, name: &str, found: impl Iterator<Item = SocketAddr>) -> io::Result<Vec<SocketAddr>> {
        let mut refused = None;
        let mut good = Vec::new();
        for address in found {
            match self.judge(address.ip()) {
                Ok(()) => good.push(address),
                Err(reach) => refused = Some(reach),
            }
        }
        match refused {
            Some(reach) if good.is_empty() => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, Refused { host: name.to_owned(), reach }))
            }
            _ if good.is_empty() => Err(io::Error::new(io::ErrorKind::NotFound, format!("`{name}` has no address"))),
            _ => Ok(good),
        }
    }

    /// Checks a URL by what its host resolves to now, for what is connected to by others: a proxy. A name that is not
    /// known here passes, as the proxy may know it; a refused one does not.
    ///
    /// # Errors
    /// When one must not connect to it.
    pub async fn check_ahead(&self, url: &Url) -> Result<(), Problem> {
        self.check_literal(url)?;
        let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
        let Ok(found) = tokio::net::lookup_host((name, 0)).await else { return Ok(()) };
        match self.filter(name, found) {
            Err(error) => match refusal(&error) {
                Some(problem) => Err(problem),
                None => Ok(()),
            },
            Ok(_) => Ok(()),
        }
    }
}

/// The refusal that lies below an error of the HTTP client.
pub fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<Problem> {
    let mut cause = Some(error);
    while let Some(here) = cause {
        let found = here.downcast_ref::<Refused>().or_else(|| {
            here.downcast_ref::<io::Error>().and_then(io::Error::get_ref).and_then(|e| e.downcast_ref::<Refused>())
        });
        if let Some(refused) = found {
            return Some(Problem::new(Kind::Upstream, REFUSED, refused.to_string()));
        }
        cause = here.source();
    }
    None
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good = guard.filter(name.as_str(), found)?;
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn url(host: &str) -> Url {
        format!("http://{host}/x").parse().unwrap()
    }

    fn passes(guard: &Guard, host: &str) -> bool {
        guard.check_literal(&url(host)).is_ok()
    }

    const PUBLIC: &[&str] =
        &["1.1.1.1", "93.184.216.34", "[2606:4700::1111]", "[64:ff9b::101:101]", "[2002:101:101::]"];
    const LOOPBACK: &[&str] = &[
        "127.0.0.1",
        "127.8.9.1",
        "127.1",
        "0x7f.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "127.0.0.1.",
        "\u{ff11}27.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ];
    const SITE: &[&str] = &[
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "198.19.0.1",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[fec0::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a00:1]",
    ];
    const NEVER: &[&str] = &[
        "0.0.0.0",
        "0",
        "169.254.169.254",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "[fd00:ec2::254]",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[fe80::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[2001:0:1::1]",
        "[64:ff9b:1::1]",
        "[100::1]",
    ];

    #[test]
    fn only_public_addresses_pass_in_whatever_notation() {
        let guard = Guard::default();
        for host in PUBLIC {
            assert!(passes(&guard, host), "{host}");
        }
        for host in [LOOPBACK, SITE, NEVER].concat() {
            assert!(!passes(&guard, host), "{host}");
        }
    }

    #[test]
    fn private_ones_can_be_allowed_and_special_ones_cannot() {
        let guard = Guard::default().with_private(true);
        for host in [PUBLIC, LOOPBACK, SITE].concat() {
            assert!(passes(&guard, host), "{host}");
        }
        for host in NEVER {
            assert!(!passes(&guard, host), "{host}");
        }
    }

    #[test]
    fn the_operator_names_networks() {
        let networks = ["10.2.0.0/16", "fd00:1::/32", "169.254.7.7", "127.0.0.0/8"].map(str::to_owned);
        let guard = Guard::new(&networks).unwrap();
        for host in ["10.2.3.4", "[fd00:1::9]", "169.254.7.7", "[::ffff:10.2.0.1]", "[64:ff9b::a02:1]", "127.0.0.1"] {
            assert!(passes(&guard, host), "{host}");
        }
        for host in ["10.3.0.1", "[fd00:2::9]", "169.254.169.254", "[::1]"] {
            assert!(!passes(&guard, host), "{host}");
        }
        for wrong in ["10.0.0.0/33", "10.1.2.3/8", "x", "", "10.0.0.0/", "fd00::/129"] {
            assert!(Guard::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert!(passes(&Guard::new(&["0.0.0.0/0".to_owned()]).unwrap(), "10.0.0.1"));
        assert!(passes(&Guard::new(&["::/0".to_owned()]).unwrap(), "[fe80::1]"));
    }

    #[test]
    fn of_a_name_with_several_addresses_only_good_ones_are_used() {
        let guard = Guard::default();
        let addresses = |ips: &[&str]| -> Vec<SocketAddr> {
            ips.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect()
        };
        let mixed = guard.filter("x.example", addresses(&["127.0.0.1", "1.1.1.1"]).into_iter()).unwrap();
        assert_eq!(mixed, addresses(&["1.1.1.1"]));
        let error = guard.filter("x.example", addresses(&["10.0.0.1"]).into_iter()).unwrap_err();
        let problem = refusal(&error).unwrap();
        assert_eq!(problem.code, REFUSED);
        assert!(problem.message.contains("x.example") && problem.message.contains("allow_private"), "{problem}");
        assert!(refusal(&guard.filter("x.example", std::iter::empty()).unwrap_err()).is_none());
    }
}
