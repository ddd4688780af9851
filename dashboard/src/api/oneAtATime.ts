/** A tab that holds it longer is gone, in milliseconds. */
const LONGEST_MS = 3_000;
const LOOK_MS = 40;
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Where a page has no locks (plain http): a note in the storage the tabs share. Two may slip through at the same instant. */
async function withNote<T>(name: string, work: () => Promise<T>): Promise<T> {
  const key = `${name}.holder`;
  const mine = String(Math.random()).slice(2);
  const holder = () => {
    const [id, since] = (localStorage.getItem(key) ?? '').split(' ');
    return id && Date.now() - Number(since) < LONGEST_MS ? id : undefined;
  };
  while (holder() !== mine) {
    if (holder() === undefined) localStorage.setItem(key, `${mine} ${Date.now()}`);
    await pause(LOOK_MS);
  }
  const release = () => {
    if (holder() === mine) localStorage.removeItem(key);
  };
  window.addEventListener('pagehide', release);
  try {
    return await work();
  } finally {
    release();
    window.removeEventListener('pagehide', release);
  }
}

/** Runs `work` when no other tab of this browser runs one of that name. */
export const oneAtATime = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  // The types take locks for granted; only secure pages have them.
  (navigator.locks as LockManager | undefined)?.request(name, work) ?? withNote(name, work);
