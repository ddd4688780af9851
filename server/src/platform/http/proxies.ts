import { BlockList, isIP } from 'node:net';

export type Proxies = {
  /** Whether what comes from this address may say whom it speaks for. */
  trusts(address: string): boolean;
  /**
   * The address a connection comes from: that of the peer, or, when the peer is trusted, the last one in its
   * X-Forwarded-For that is not a trusted proxy itself. What a stranger writes into the header stands further left.
   */
  clientOf(peer: string, forwardedFor: string | string[] | undefined): string;
};

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Whether this is an address, or an address with the length of its network behind a slash. */
export const isNetwork = (text: string): boolean => {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
};

/** @param networks addresses and networks ("10.0.0.0/8") of proxies; see `isNetwork` */
export const createProxies = (networks: string[]): Proxies => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  const trusts = (address: string): boolean =>
    networks.length > 0 && isIP(address) !== 0 && list.check(address, familyOf(address));

  return {
    trusts,
    clientOf: (peer, forwardedFor) => {
      if (!trusts(peer)) return peer;
      const said = [forwardedFor ?? []].flat().join(',').split(',');
      const hops = said.map((hop) => hop.trim()).filter((hop) => hop !== '');
      let client = peer;
      for (const hop of hops.reverse()) {
        // A trusted proxy writes addresses; what is none was not written by it.
        if (isIP(hop) === 0) break;
        client = hop;
        if (!trusts(hop)) break;
      }
      return client;
    },
  };
};

/** Who counts as one: an address, or in IPv6 the network of one customer (64 bits), since that is what they are given. */
export const bucketOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  const groups = tail === undefined ? left : [...left, ...zeros, ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
};
