/** The clock of this process is wrong by CHAOS_CLOCK_MS milliseconds: what Date says, not what timers measure. */
const offset = Number(process.env.CHAOS_CLOCK_MS ?? 0);
const RealDate = Date;

if (offset !== 0) {
  const WrongDate = new Proxy(RealDate, {
    construct: (target, given: unknown[], newTarget): object =>
      Reflect.construct(target, given.length === 0 ? [RealDate.now() + offset] : given, newTarget) as object,
    apply: () => new RealDate(RealDate.now() + offset).toString(),
    get: (target, key, receiver): unknown =>
      key === 'now' ? () => RealDate.now() + offset : Reflect.get(target, key, receiver),
  });
  Reflect.set(globalThis, 'Date', WrongDate);
}
