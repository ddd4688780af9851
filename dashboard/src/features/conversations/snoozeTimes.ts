/** The offered moments to come back, in the agent's own zone. Monday 9:00 is always at least a day away. */
export function snoozeTimes(now: Date): { key: 'hour' | 'later' | 'tomorrow' | 'monday'; at: Date }[] {
  const inHours = (hours: number) => new Date(now.getTime() + hours * 3_600_000);
  const morningIn = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 9);
  const untilMonday = (8 - now.getDay()) % 7 || 7;
  return [
    { key: 'hour', at: inHours(1) },
    { key: 'later', at: inHours(3) },
    { key: 'tomorrow', at: morningIn(1) },
    { key: 'monday', at: morningIn(untilMonday) },
  ];
}
