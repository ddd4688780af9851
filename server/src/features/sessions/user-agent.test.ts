import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readUserAgent } from './user-agent.ts';

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const ios = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';
const known: [string | null, string][] = [
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/141.0.0.0 Safari/537.36`, 'computer Chrome Windows'],
  [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/141.0 Safari/537.36 Edg/141.0`, 'computer Edge Windows'],
  [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${ios} Version/26.0 Safari/605.1.15`, 'computer Safari macOS'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0', 'computer Firefox Linux'],
  [`Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${webkit} Chrome/141.0.0.0 Safari/537.36`, 'computer Chrome ChromeOS'],
  [`Mozilla/5.0 (Linux; Android 10; K) ${webkit} Chrome/141.0.0.0 Mobile Safari/537.36`, 'phone Chrome Android'],
  [
    `Mozilla/5.0 (Linux; Android 14; SM-X910) ${webkit} SamsungBrowser/28.0 Chrome/130.0 Safari/537.36`,
    'tablet Samsung Internet Android',
  ],
  ['Mozilla/5.0 (Android 15; Tablet; rv:143.0) Gecko/143.0 Firefox/143.0', 'tablet Firefox Android'],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${ios} Version/26.0 Mobile/15E148 Safari/604.1`,
    'phone Safari iOS',
  ],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${ios} CriOS/141.0 Mobile/15E148 Safari/604.1`,
    'phone Chrome iOS',
  ],
  [`Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) ${ios} FxiOS/143.0 Mobile/15E148`, 'tablet Firefox iPadOS'],
  ['curl/8.5.0', 'program curl null'],
  ['Browser of <script>', 'program Browser of null'],
  ['', 'program null null'],
  [null, 'program null null'],
];

it('tells devices apart as their owners would', () => {
  for (const [userAgent, told] of known) {
    const { kind, browser, system } = readUserAgent(userAgent);
    assert.equal(`${kind} ${browser} ${system}`, told, userAgent ?? '');
  }
});
