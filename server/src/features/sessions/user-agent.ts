import type { DeviceName } from '@parley/contract';

/** The first that is found counts: most browsers also name those they descend from. */
const browsers: [RegExp, string][] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|OPT|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*Safari\//, 'Safari'],
];
const systems: [RegExp, string][] = [
  [/\biPhone\b/, 'iOS'],
  [/\biPad\b/, 'iPadOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];
const nameIn = (known: [RegExp, string][], text: string): string | null =>
  known.find(([pattern]) => pattern.test(text))?.[1] ?? null;

function kindOf(text: string, system: string | null): DeviceName['kind'] {
  if (!text.startsWith('Mozilla/')) return 'program';
  if (system === 'iPadOS' || /\bTablet\b/.test(text)) return 'tablet';
  // Tablets with Android leave "Mobile" out.
  if (system === 'Android') return /\bMobile\b/.test(text) ? 'phone' : 'tablet';
  return system === 'iOS' ? 'phone' : 'computer';
}

/** What a user agent tells of itself, for a person to recognise. Nothing depends on it: anybody may write anything there. */
export function readUserAgent(userAgent: string | null): DeviceName {
  const text = userAgent ?? '';
  const system = nameIn(systems, text);
  const kind = kindOf(text, system);
  const product = /^[\w .-]{1,40}/.exec(text)?.[0].trim();
  return { kind, system, browser: kind === 'program' ? product || null : nameIn(browsers, text) };
}
