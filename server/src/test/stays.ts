const EVERY_MS = 10;
const AT_MOST_MS = 500;

/**
 * For what must not happen: looks again and again while `ms` pass, and fails at once when it no longer holds. The time is some periods
 * of whatever would do it.
 *
 * @param soLong why half a second proves nothing, when it is longer
 */
export async function stays(
  look: () => boolean | Promise<boolean>,
  what: string,
  ms: number,
  soLong?: string,
): Promise<void> {
  if (ms > AT_MOST_MS && !soLong) throw new RangeError(`${ms} ms are more than ${AT_MOST_MS}: say why`);
  const end = performance.now() + ms;
  for (;;) {
    if (!(await look())) throw new Error(`did not stay so: ${what}`);
    if (performance.now() >= end) return;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
