import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bucketOf, createProxies, isNetwork } from './proxies.ts';

describe('trusted proxies', () => {
  it('are nobody unless named: a forged header changes nothing', () => {
    const { clientOf } = createProxies([]);
    assert.equal(clientOf('127.0.0.1', '203.0.113.9'), '127.0.0.1');
    const named = createProxies(['10.0.0.0/8', '2001:db8::/32']);
    assert.equal(named.clientOf('203.0.113.1', '198.51.100.7'), '203.0.113.1');
    assert.equal(named.clientOf('11.0.0.1', '198.51.100.7, 10.0.0.2'), '11.0.0.1');
  });

  it('say whom they speak for, and what stands left of that is what a stranger wrote', () => {
    const { clientOf } = createProxies(['10.0.0.0/8', '127.0.0.1', '2001:db8::/32']);
    assert.equal(clientOf('10.1.2.3', '198.51.100.7'), '198.51.100.7');
    assert.equal(clientOf('::ffff:10.1.2.3', '198.51.100.7'), '198.51.100.7');
    assert.equal(clientOf('2001:db8::5', '2a00::1'), '2a00::1');
    assert.equal(clientOf('127.0.0.1', '1.2.3.4, 198.51.100.7, 10.0.0.9'), '198.51.100.7');
    assert.equal(clientOf('127.0.0.1', ['1.2.3.4', '198.51.100.7, 10.0.0.9']), '198.51.100.7');
    assert.equal(clientOf('127.0.0.1', '10.0.0.8, 10.0.0.9'), '10.0.0.8');
    for (const nonsense of [undefined, '', ' , ', 'unknown', '1.2.3.4, <script>'])
      assert.equal(clientOf('127.0.0.1', nonsense), '127.0.0.1', nonsense);
  });

  it('are written as addresses or networks', () => {
    for (const good of ['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8', '0.0.0.0/0']) assert.ok(isNetwork(good), good);
    for (const bad of ['', 'proxy', '10.0.0.0/33', '10.0.0.0/8/8', '::/129', '10.0.0/8', '/8', '1.2.3.4/'])
      assert.ok(!isNetwork(bad), bad);
  });

  it('addresses of one customer are one', () => {
    assert.equal(bucketOf('203.0.113.1'), '203.0.113.1');
    assert.equal(bucketOf('::ffff:203.0.113.1'), '203.0.113.1');
    for (const address of ['2001:db8:1:2::1', '2001:0db8:0001:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:3::'])
      assert.equal(bucketOf(address), '2001:db8:1:2::/64', address);
    assert.equal(bucketOf('2001:db8:1:3::1'), '2001:db8:1:3::/64');
    assert.equal(bucketOf('::1'), '0:0:0:0::/64');
    assert.equal(bucketOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  });
});
