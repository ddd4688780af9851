import { parseHex, readableAs, readableOn } from '../colour.ts';

/** The ground that text in the accent stands on: hovered controls, as in base.css. */
const grounds = { light: [230, 233, 236], dark: [46, 51, 58] } as const;

/** Follows the system unless the page says `light` or `dark`; the accent is moved until it reads. */
export function followTheme(node: HTMLElement, wanted: string | undefined, accent: () => string): { paint(): void } {
  const system = matchMedia('(prefers-color-scheme: dark)');
  function paint(): void {
    const dark = wanted === 'dark' || (wanted !== 'light' && system.matches);
    const colour = parseHex(accent()) ?? [0, 0, 0];
    node.classList.toggle('dark', dark);
    node.style.setProperty('--accent', accent());
    node.style.setProperty('--on', readableOn(colour));
    node.style.setProperty('--link', readableAs(colour, dark ? grounds.dark : grounds.light));
  }
  system.addEventListener('change', paint);
  return { paint };
}

/** The host page's font, unless the page never chose one. */
export function hostFont(): string {
  const font = getComputedStyle(document.body).fontFamily;
  return font === '' || /^["']?(times|serif|-webkit-standard)/i.test(font) ? 'system-ui, sans-serif' : font;
}
