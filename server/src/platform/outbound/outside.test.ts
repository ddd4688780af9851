import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createOutside, RefusedAddressError } from './outside.ts';
import type { Outside } from './outside.ts';
import { isPublicAddress } from './public-address.ts';

const inTime = (): AbortSignal => AbortSignal.timeout(5_000);
const refused = { name: 'RefusedAddressError', message: 'The address is not on the public internet.' };

describe('public addresses', () => {
  it('are not those of this machine, of private networks, of clouds, nor IPv4 in the clothes of IPv6', () => {
    for (const address of [
      ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
      ...['172.31.255.255', '192.168.1.1', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255', '240.0.0.1'],
      ...['::', '::1', '::ffff:127.0.0.1', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '::ffff:8.8.8.8', '::7f00:1'],
      ...['64:ff9b::7f00:1', '64:ff9b::169.254.169.254', '2002:7f00:1::', '2001:0:1::', 'fc00::1', 'fd00:ec2::254'],
      ...['fe80::1', 'fe80::1%eth0', '2606:4700::1%eth0', 'fec0::1', 'ff02::1', '100::1', '2001:db8::1'],
      ...['', 'localhost', '2130706433', '0x7f.1', '127.1'],
    ])
      assert.equal(isPublicAddress(address), false, address);
  });

  it('are the others', () => {
    for (const address of [
      '8.8.8.8',
      '1.1.1.1',
      '172.32.0.1',
      '100.128.0.1',
      '2606:4700:4700::1111',
      '2a00:1450:4001::',
    ])
      assert.equal(isPublicAddress(address), true, address);
  });
});

describe('calls to addresses that customers chose', () => {
  let port: number;
  let calls: string[];
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`);
    if (request.url === '/away') response.writeHead(302, { location: `http://127.0.0.1:${port}/there` }).end();
    else if (request.url === '/endless') {
      response.writeHead(200);
      const more = setInterval(() => response.write('x'.repeat(1_000)), 1);
      response.on('close', () => clearInterval(more));
    } else response.end('hello');
  });
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
    calls = [];
  });
  after(() => void server.close());

  /** Every name resolves to these. */
  const resolving = (addresses: string[], rules = {}): Outside =>
    createOutside({
      allowPrivate: false,
      allowHttp: true,
      resolveAll: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ...rules,
    });
  const get = (outside: Outside, url: string) => outside.request(url, { method: 'GET', signal: inTime() });

  it('never reach what is written in numbers', async () => {
    const outside = createOutside({ allowPrivate: false, allowHttp: true });
    for (const host of ['127.0.0.1', '2130706433', '0x7f000001', '017700000001', '127.1', '0', '169.254.169.254'])
      await assert.rejects(get(outside, `http://${host}:${port}/`), refused, host);
    for (const host of [
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:169.254.169.254]',
      '[fd00:ec2::254]',
      '[64:ff9b::7f00:1]',
    ])
      await assert.rejects(get(outside, `http://${host}:${port}/`), refused, host);
    assert.deepEqual(calls, []);
  });

  it('never reach what a name hides', async () => {
    for (const addresses of [
      ['127.0.0.1'],
      ['8.8.8.8', '127.0.0.1'],
      ['::ffff:127.0.0.1'],
      ['::1'],
      ['169.254.169.254'],
      [],
    ])
      await assert.rejects(get(resolving(addresses), `http://innocent.example:${port}/`), refused, addresses.join());
    await assert.rejects(
      get(createOutside({ allowPrivate: false, allowHttp: true }), `http://localhost:${port}/`),
      refused,
    );
    assert.deepEqual(calls, []);
  });

  it('go to the address that was looked at, and look at a name once', async () => {
    let looked = 0;
    const outside = createOutside({
      allowPrivate: true,
      allowHttp: true,
      resolveAll: async () => [{ address: looked++ === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }],
    });
    const { status, body } = await get(outside, `http://rebinding.example:${port}/once`);
    assert.deepEqual([status, body.toString(), looked], [200, 'hello', 1]);
    assert.deepEqual(calls.splice(0), ['GET /once']);
  });

  it('are not in clear, and in no other protocol', async () => {
    const outside = createOutside({ allowPrivate: true, allowHttp: false });
    for (const url of [`http://127.0.0.1:${port}/`, 'ftp://example.com/', 'file:///etc/passwd', 'nonsense'])
      await assert.rejects(get(outside, url), RefusedAddressError, url);
    outside.check('https://example.com/hook');
    assert.throws(() => outside.check('http://example.com/hook'), RefusedAddressError);
    assert.deepEqual(calls, []);
  });

  it('follow no redirect, read no endless answer, and stop when they are told', async () => {
    const outside = createOutside({ allowPrivate: true, allowHttp: true });
    assert.equal((await get(outside, `http://127.0.0.1:${port}/away`)).status, 302);
    assert.deepEqual(calls.splice(0), ['GET /away']);
    const { body } = await outside.request(`http://127.0.0.1:${port}/endless`, {
      method: 'GET',
      signal: inTime(),
      readAtMost: 2_500,
    });
    assert.equal(body.length, 2_500);
    const signal = AbortSignal.timeout(50);
    const endless = outside.request(`http://127.0.0.1:${port}/endless`, { method: 'GET', signal, readAtMost: 1e9 });
    await assert.rejects(endless, { name: 'TimeoutError' });
  });
});
