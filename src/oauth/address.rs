//! Which addresses are public: none of the special-purpose ones (RFC 6890, and IANA's registries that go on with it); and
//! where the host of a URL is, as far as its name or its address says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// Where a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The computer of the person whose browser goes there.
    Here,
    /// The network of that person: an address that is not public, or a name of multicast DNS.
    Network,
    /// The internet, for all that can be known: a name may lead anywhere.
    Internet,
}

impl Place {
    /// Where `host` is. No name is resolved but those that mean the same everywhere (RFC 6761 section 6.3, RFC 6762
    /// section 3).
    pub(crate) fn of<S: AsRef<str>>(host: &Host<S>) -> Self {
        match host {
            Host::Domain(name) => {
                let name = name.as_ref().trim_end_matches('.');
                let is =
                    |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                let is_inner = !name.contains('.') || INNER_ZONES.into_iter().any(is);
                match (is("localhost"), is_inner) {
                    (true, _) => Place::Here,
                    (_, true) => Place::Network,
                    _ => Place::Internet,
                }
            }
            Host::Ipv4(address) => Place::of_address(IpAddr::V4(*address)),
            Host::Ipv6(address) => Place::of_address(address.to_canonical()),
        }
    }

    fn of_address(address: IpAddr) -> Self {
        // The unspecified address leads to this computer on Linux and macOS.
        match address {
            address if address.is_loopback() || address.is_unspecified() => Place::Here,
            address if is_public(address) => Place::Internet,
            _ => Place::Network,
        }
    }
}

/// Zones that no public name is in: multicast DNS (RFC 6762), home networks (RFC 8375), what ICANN keeps for private use, and
/// what routers and systems call theirs.
const INNER_ZONES: [&str; 5] = ["local", "home.arpa", "internal", "lan", "localdomain"];

/// IPv4 networks that are nobody's public server.
const SPECIAL_V4: [([u8; 4], u32); 18] = [
    ([0, 0, 0, 0], 8),       // "this network", RFC 791
    ([10, 0, 0, 0], 8),      // private, RFC 1918
    ([100, 64, 0, 0], 10),   // shared by carriers, RFC 6598
    ([127, 0, 0, 0], 8),     // loopback, RFC 1122
    ([169, 254, 0, 0], 16),  // link-local, RFC 3927: the metadata services of clouds
    ([172, 16, 0, 0], 12),   // private, RFC 1918
    ([192, 0, 0, 0], 24),    // protocol assignments, RFC 6890
    ([192, 0, 2, 0], 24),    // documentation, RFC 5737
    ([192, 31, 196, 0], 24), // AS112, RFC 7535
    ([192, 52, 193, 0], 24), // AMT, RFC 7450
    ([192, 88, 99, 0], 24),  // 6to4 relays, RFC 7526
    ([192, 168, 0, 0], 16),  // private, RFC 1918
    ([192, 175, 48, 0], 24), // AS112, RFC 7534
    ([198, 18, 0, 0], 15),   // benchmarks, RFC 2544
    ([198, 51, 100, 0], 24), // documentation, RFC 5737
    ([203, 0, 113, 0], 24),  // documentation, RFC 5737
    ([224, 0, 0, 0], 4),     // multicast, RFC 5771
    ([240, 0, 0, 0], 4),     // reserved, RFC 1112, and broadcast
];

/// IPv6 networks within 2000::/3 that are nobody's public server; nothing outside of 2000::/3 is.
const SPECIAL_V6: [([u16; 8], u32); 6] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments, RFC 2928: Teredo, ORCHID, benchmarks
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation, RFC 3849
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, RFC 3056, which carries any IPv4 address
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112, RFC 7534
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), // the 6bone of old, RFC 3701
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation, RFC 9637
];

/// The well-known prefix of NAT64 (RFC 6052 section 2.1), behind which is the IPv4 address of its last 32 bits.
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// Whether an address is nobody's special one, so that what is there is on the public internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let address = u32::from(address);
    !SPECIAL_V4.iter().any(|(network, length)| (address ^ u32::from_be_bytes(*network)) >> (32 - length) == 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    if segments[..6] == NAT64 {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // ISATAP (RFC 5214 section 6.1) carries any IPv4 address behind any prefix.
    let is_isatap = segments[4] & !0x200 == 0 && segments[5] == 0x5efe;
    let is_special = |(network, length): &([u16; 8], u32)| {
        (u128::from(address) ^ u128::from(Ipv6Addr::from(*network))) >> (128 - length) == 0
    };
    segments[0] >> 13 == 1 && !is_isatap && !SPECIAL_V6.iter().any(is_special)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_here_in_the_person_s_network_or_on_the_internet() {
        let place = |host: &str| Place::of(&Host::parse(host).unwrap());
        for here in
            "localhost localhost. app.localhost a.b.localhost 127.0.0.1 127.1.2.3 0.0.0.0 [::1] [::] [::ffff:127.0.0.1]"
                .split(' ')
        {
            assert_eq!(place(here), Place::Here, "{here}");
        }
        for network in
            "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.5 169.254.1.1 100.64.0.1 [fc00::1] [fd12::1] [fe80::1] \
            [::ffff:192.168.1.5] [64:ff9b::10.0.0.1] printer.local printer.local. nas notlocalhost mylocal nas.lan \
            box.home.arpa git.corp.internal host.localdomain"
                .split_whitespace()
        {
            assert_eq!(place(network), Place::Network, "{network}");
        }
        for internet in
            "claude.ai localhost.example not.alocalhost my.alocal local.example lan.example 8.8.8.8 172.32.0.1 [2606:4700::1] \
            [::ffff:8.8.8.8] 127.0.0.1.nip.io"
                .split_whitespace()
        {
            assert_eq!(place(internet), Place::Internet, "{internet}");
        }
    }

    /// fastmcp 3.4.3, pomerium and better-auth: metadata documents and key sets as a way into the inner network.
    #[test]
    fn only_public_addresses_are_public() {
        let special = "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 \
            169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.170 192.0.2.1 192.31.196.1 \
            192.52.193.1 192.88.99.1 192.168.0.1 192.168.255.255 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 \
            203.0.113.255 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.254 255.255.255.255 \
            :: ::1 ::2 ::7f00:1 ::808:808 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:808:808 \
            64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::1 64:ff9b:1::8.8.8.8 64:ff9b:0:0:0:1:808:808 \
            100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:1::1 2001:2::1 2001:3::1 2001:4:112::1 \
            2001:10::1 2001:1f:ffff::1 2001:20::1 2001:30::1 2001:1ff::1 2001:db8::1 2001:db8:ffff::1 2002::1 2002:7f00:1::1 \
            2002:808:808::1 2620:4f:8000::1 3ffe::1 3fff::1 3fff:fff::1 4000::1 5f00::1 \
            2606:4700::5efe:127.0.0.1 2606:4700::200:5efe:10.0.0.1 2606:4700::200:5efe:8.8.8.8 \
            fc00::1 fd00::1 fdff:ffff::1 fe80::1 febf::1 fec0::1 feff::1 ff00::1 ff02::1 ff0e::1";
        for text in special.split_whitespace() {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        let public = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 \
            169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 \
            192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 \
            203.0.114.0 223.255.255.255 2001:200::1 2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450:4001::200e \
            2003::1 2620:4f:8001::1 3ffd::1 2606:4700::1:5efe:808:808 64:ff9b::8.8.8.8";
        for text in public.split_whitespace() {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
