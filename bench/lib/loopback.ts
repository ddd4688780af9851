/** One of 250 addresses of the loopback: a crowd comes from many, and ports and the connections of one address end. */
export const loopbackAddress = (index: number): string =>
  `127.0.${1 + Math.floor((index % 250) / 200)}.${1 + ((index % 250) % 200)}`;
