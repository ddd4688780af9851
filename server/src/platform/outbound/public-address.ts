import { BlockList, isIP } from 'node:net';

/**
 * Which addresses are of the public internet. What is not named public is refused: private networks, this machine, the
 * metadata services of clouds (169.254.169.254), multicast, and the forms of IPv6 that carry an IPv4 address inside.
 * Source: IANA's registries of special-purpose addresses (RFC 6890).
 */
const notPublic4 = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  notPublic4.addSubnet(network, bits, 'ipv4');

const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const notPublic6 = new BlockList();
for (const [network, bits] of [
  // Teredo, benchmarks, ORCHID and others of the IETF; documentation; 6to4, which may lead to any IPv4 address.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  notPublic6.addSubnet(network, bits, 'ipv6');

/** Whether an IP address, as text, is of the public internet. False for what is no address. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 4) return !notPublic4.check(address, 'ipv4');
  // One with a zone ("fe80::1%eth0") is of a link, and ::ffff:8.8.8.8 is nobody's real address: neither is in 2000::/3.
  return (
    version === 6 && !address.includes('%') && global6.check(address, 'ipv6') && !notPublic6.check(address, 'ipv6')
  );
}
