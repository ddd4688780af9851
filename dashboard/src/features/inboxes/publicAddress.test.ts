import { expect, it } from 'vitest';
import { isPublicHttps } from './publicAddress.ts';

it.each([
  'http://support.example.com/webhooks',
  'https://localhost:3000',
  'https://chat.localhost',
  'https://parley',
  'https://printer.local',
  'https://127.0.0.1',
  'https://10.1.2.3',
  'https://172.16.0.1',
  'https://172.31.0.1',
  'https://192.168.1.5:3000',
  'https://169.254.1.1',
  'https://100.64.0.1',
  'https://[::1]:3000',
  'https://[fd00::1]',
  'https://[fe80::1]',
  'no address',
])('knows that no platform reaches %s', (address) => expect(isPublicHttps(address)).toBe(false));

it.each(['https://support.example.com/webhooks', 'https://172.32.0.1', 'https://8.8.8.8', 'https://[2606:4700::1]'])(
  'takes %s',
  (address) => expect(isPublicHttps(address)).toBe(true),
);
