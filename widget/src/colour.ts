/** Colours as sRGB triples, 0 to 255. */
type Rgb = readonly [number, number, number];

/** `#rgb` or `#rrggbb`; anything else is not a colour to us. */
export function parseHex(text: string): Rgb | null {
  const digits = text.trim().replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3');
  if (!/^#[\da-f]{6}$/i.test(digits)) return null;
  const value = parseInt(digits.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

const hex = (colour: Rgb): string =>
  `#${colour.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** WCAG contrast, 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Black or white, whichever reads on `background`; one of the two always reaches 4.5 : 1. */
export function readableOn(background: Rgb): string {
  // 1.05 / 4.5 - 0.05: from here on down it is 4.5 : 1 to white.
  return luminance(background) < 0.18333 ? '#fff' : '#000';
}

/** The accent as text: moved towards black or white until it reads on `background` with 4.5 : 1. */
export function readableAs(accent: Rgb, background: Rgb, wanted = 4.5): string {
  const goal = luminance(background) > 0.18 ? 0 : 255;
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = accent.map((part) => Math.round(part + (goal - part) * share)) as [number, number, number];
    if (contrast(mixed, background) >= wanted) return hex(mixed);
  }
  return hex([goal, goal, goal]);
}

/** The first that is a colour, else our own. */
export const pickAccent = (...wanted: (string | null | undefined)[]): string =>
  wanted.find((each) => each && parseHex(each)) ?? '#3b5bdb';
