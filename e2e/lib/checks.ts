import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** What axe calls serious or critical, one line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Legacy mode: there are no frames here, and it spares a second page for every run.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => {
      const [node] = nodes;
      return `${id}: ${help} (${nodes.length}×) ${node?.html.slice(0, 200)} ${node?.any[0]?.message ?? ''}`;
    });
}

/**
 * Text that leaves the screen sideways, or is cut off without an ellipsis. What stands in something that scrolls
 * sideways by design is left out.
 */
export function overflowingText(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width + 1)
      found.push(`the page is ${document.documentElement.scrollWidth} px wide on a screen of ${width} px`);

    const scrolls = (element: Element): boolean => {
      const { overflowX } = getComputedStyle(element);
      return (overflowX === 'auto' || overflowX === 'scroll') && element.scrollWidth > element.clientWidth;
    };
    const hidden = (element: Element): boolean => {
      const { clip, clipPath, visibility } = getComputedStyle(element);
      const { width: wide, height } = element.getBoundingClientRect();
      // One pixel is how text for screen readers alone is kept.
      return visibility === 'hidden' || clip !== 'auto' || clipPath !== 'none' || wide <= 1 || height <= 1;
    };
    const told = (element: Element): string =>
      `<${element.localName}> “${(element.textContent ?? '').trim().replaceAll(/\s+/g, ' ').slice(0, 60)}”`;

    const look = (root: Document | ShadowRoot): void => {
      for (const element of root.querySelectorAll('*')) {
        if (element.shadowRoot) look(element.shadowRoot);
        const words = [...element.childNodes].some((node) => node.nodeType === 3 && (node.nodeValue ?? '').trim());
        if (!words || !element.checkVisibility()) continue;
        let excused = false;
        for (let up: Element | null = element; up && !excused; up = up.parentElement)
          excused = hidden(up) || scrolls(up);
        if (excused) continue;
        const box = element.getBoundingClientRect();
        if (box.right > width + 1 || box.left < -1) found.push(`${told(element)} leaves the screen`);
        const style = getComputedStyle(element);
        const cut = element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0;
        if (!cut || element.matches('input, textarea, select')) continue;
        if (style.overflowX === 'visible' && style.display === 'inline') continue;
        if (style.overflowX !== 'visible' && style.textOverflow === 'ellipsis') continue;
        found.push(`${told(element)} is wider than its box (${element.scrollWidth} > ${element.clientWidth})`);
      }
    };
    look(document);
    return found;
  });
}
