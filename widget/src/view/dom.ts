type Attributes = Record<string, string | number | boolean | null | ((event: Event) => void)>;

/**
 * Makes an element. `on…` attributes are listeners, false and null are left out, true is an empty attribute. A button
 * is one that does not send a form, unless it says so.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (node instanceof HTMLButtonElement) node.type = 'button';
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export function icon(outline: string): SVGElement {
  const make = <K extends 'svg' | 'path'>(tag: K, name: string, value: string): SVGElementTagNameMap[K] => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    node.setAttribute(name, value);
    return node;
  };
  const svg = make('svg', 'viewBox', '0 0 24 24');
  svg.ariaHidden = 'true';
  svg.style.cssText = 'fill:none;stroke:currentColor;stroke-width:1.7;stroke-linejoin:round;stroke-linecap:round';
  svg.append(make('path', 'd', outline));
  return svg;
}

/** A button that is only a picture; its name is read out and shown on hover. */
export function iconButton(outline: string, label: string, onclick: (event: Event) => void): HTMLButtonElement {
  return h('button', { class: 'round', 'aria-label': label, title: label, onclick }, icon(outline));
}

/** Sheets made in script pass a host page's style-src; the element is for browsers without them. */
export function addStyles(root: ShadowRoot, css: string): void {
  if ('adoptedStyleSheets' in root) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  } else {
    const style = document.createElement('style');
    style.textContent = css;
    (root as ShadowRoot).append(style);
  }
}
