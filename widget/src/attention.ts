import type { Memory } from './memory.ts';

/** Calls the visitor back to a reply: two soft notes, and the page's title in turns with ours while it is not in view. */
export function createAttention(memory: Memory) {
  let audio: AudioContext | null = null;
  let blinking = 0;
  let pageTitle = '';
  let ourTitle = '';

  /** A note that swells and fades within a third of a second. */
  function note(context: AudioContext, frequency: number, start: number): void {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueCurveAtTime([0, 0.06, 0.03, 0.01, 0], start, 0.3);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.3);
  }

  function calm(): void {
    clearInterval(blinking);
    blinking = 0;
    if (ourTitle && document.title === ourTitle) document.title = pageTitle;
    ourTitle = '';
  }

  return {
    calm,
    muted: (): boolean => memory.get('muted') === '1',
    mute: (muted: boolean): void => memory.set('muted', muted ? '1' : null),
    /** Browsers let a page make sound only once it was touched: call this from a click. */
    prepare(): void {
      if (typeof AudioContext === 'function') audio ??= new AudioContext();
      if (audio?.state === 'suspended') audio.resume().catch(() => (audio = null));
    },
    call(text: string): void {
      if (audio?.state === 'running' && !this.muted()) {
        note(audio, 660, audio.currentTime);
        note(audio, 880, audio.currentTime + 0.09);
      }
      if (!document.hidden) return;
      calm();
      pageTitle = document.title;
      ourTitle = text;
      document.title = ourTitle;
      if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
      blinking = window.setInterval(() => {
        document.title = document.title === ourTitle ? pageTitle : ourTitle;
      }, 1500);
    },
  };
}
