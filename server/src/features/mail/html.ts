const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '');

/**
 * Both looks: what a program does not know of dark mode it leaves out. The button keeps its colours in both, since programs that
 * turn colours around by themselves turn those of a page without a scheme. Nothing is loaded from anywhere.
 */
const STYLE = `
  :root { color-scheme: light dark; supported-color-schemes: light dark; }
  body { margin: 0; padding: 24px 16px; background: #f7f7f8; color: #1c1c1f; font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
  .card { max-width: 480px; margin: 0 auto; padding: 24px; background: #ffffff; border: 1px solid #dddde0; border-radius: 10px; }
  p { margin: 0 0 16px; overflow-wrap: anywhere; }
  .button { display: inline-block; padding: 10px 18px; border-radius: 6px; background: #4250c4; color: #ffffff; font-weight: 600; text-decoration: none; }
  .quiet { color: #5f5f66; font-size: 13px; }
  .quiet a { color: #3a47b0; }
  @media (prefers-color-scheme: dark) {
    body { background: #111113; color: #eeeef0; }
    .card { background: #19191b; border-color: #3a3a40; }
    .quiet { color: #b2b2bb; }
    .quiet a { color: #a9b4ff; }
  }`;

export function composeHtml(mail: {
  language: string;
  title: string;
  greeting: string | null;
  before: string[];
  button: { label: string; link: string; hint: string } | null;
  after: string[];
  footer: string;
}): string {
  const { language, title, greeting, before, button, after, footer } = mail;
  const paragraph = (text: string): string => `<p>${escape(text)}</p>`;
  const link = button
    ? [
        `<p><a class="button" href="${escape(button.link)}">${escape(button.label)}</a></p>`,
        `<p class="quiet">${escape(button.hint)}<br><a href="${escape(button.link)}">${escape(button.link)}</a></p>`,
      ]
    : [];
  return `<!doctype html>
<html lang="${escape(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escape(title)}</title>
<style>${STYLE}
</style>
</head>
<body>
<div class="card">
${[...(greeting ? [greeting] : []), ...before].map(paragraph).join('\n')}
${[...link, ...after.map(paragraph)].join('\n')}
<p class="quiet">${escape(footer)}</p>
</div>
</body>
</html>
`;
}
