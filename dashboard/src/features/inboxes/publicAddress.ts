const localName = /(^|\.)(localhost|local|internal|lan|home\.arpa|test)$/;
const privateV4 = /^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
const privateV6 = /^\[(::1?\]|f[cd]|fe[89ab])/;

/** Whether a platform could reach this address: HTTPS, and nothing that says it is of a home or an office. */
export function isPublicHttps(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  if (protocol !== 'https:') return false;
  const named = hostname.includes('.') || hostname.startsWith('[');
  return named && !localName.test(hostname) && !privateV4.test(hostname) && !privateV6.test(hostname);
}
