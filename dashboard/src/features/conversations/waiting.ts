/** Seconds of waiting after which a row warns, and after which it alarms. */
const warnAfter = 120;
const alarmAfter = 600;

export const waitTone = (seconds: number): 'neutral' | 'warn' | 'danger' =>
  seconds >= alarmAfter ? 'danger' : seconds >= warnAfter ? 'warn' : 'neutral';
