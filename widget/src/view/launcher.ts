import { parseHex } from '../colour.ts';

/** Styled on the element itself: no style sheet to fetch or to allow, and the browser's own focus ring stays. */
export function paintLauncher(button: HTMLElement, accent: string, position: string | null | undefined): void {
  const side = position === 'left' ? 'left' : 'right';
  // White or black, by squares instead of true luminance: that is exact enough for a picture (3 : 1).
  const [red, green, blue] = parseHex(accent) ?? [0, 0, 0];
  button.style.cssText =
    `position:fixed;z-index:2000000000;bottom:calc(20px + env(safe-area-inset-bottom));${side}:20px;` +
    'width:56px;height:56px;padding:15px;border:0;border-radius:50%;cursor:pointer;box-shadow:0 0 0 1px #8884,0 4px 16px #0004;' +
    `background:${accent};color:${red * red + 3.4 * green * green + (blue * blue) / 3 < 60000 ? '#fff' : '#000'}`;
}
