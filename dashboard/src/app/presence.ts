const storageKey = 'parley.away';

/** Opening the desk means being there, unless the person chose in this browser to stay away. */
export const staysAway = (): boolean => localStorage.getItem(storageKey) === '1';

export function rememberAway(away: boolean): void {
  if (away) localStorage.setItem(storageKey, '1');
  else localStorage.removeItem(storageKey);
}
