import { parseHex, readableAs, readableOn } from '../colour.ts';

/** The ground that text in the accent stands on: hovered controls, as in base.css. */
const grounds = { light: [230, 233, 236], dark: [46, 51, 58] } as const;

/** Light on a light page: its own ground decides; without one the system does, if the page says that it has both looks. */
function pageIsDark(system: boolean): boolean {
  const { body, documentElement } = document;
  for (const node of [body, documentElement]) {
    const [, red, green, blue, alpha = '1'] =
      /^rgba?\((\d+), (\d+), (\d+)(?:, ([\d.]+))?/.exec(getComputedStyle(node).backgroundColor) ?? [];
    if (red && Number(alpha) > 0.5) return Number(red) * 0.3 + Number(green) * 0.6 + Number(blue) * 0.1 < 110;
  }
  const meta = document.querySelector<HTMLMetaElement>('meta[name=color-scheme]')?.content;
  const looks = `${getComputedStyle(documentElement).colorScheme} ${meta}`;
  return looks.includes('dark') && (system || !looks.includes('light'));
}

/** The accent is moved until it reads. */
export function followTheme(
  node: HTMLElement,
  wanted: () => string | undefined,
  accent: () => string,
): { paint(): void } {
  const system = matchMedia('(prefers-color-scheme: dark)');
  function paint(): void {
    const theme = wanted();
    const dark = theme === 'dark' || (theme !== 'light' && pageIsDark(system.matches));
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
