let context: AudioContext | undefined;

/** Two soft notes. A browser keeps a page silent until somebody has touched it: then nothing is heard. */
export function playChime(): void {
  context ??= typeof AudioContext === 'undefined' ? undefined : new AudioContext();
  if (!context || context.state === 'closed') return;
  if (context.state === 'suspended') void context.resume();
  for (const [index, frequency] of [660, 880].entries()) {
    const start = context.currentTime + index * 0.12;
    const [tone, volume] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.06, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.25);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.3);
  }
}
