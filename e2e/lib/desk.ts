import type { Page } from 'playwright-core';

/** Fills fields by their labels, inside the dialog when one is open. */
export async function fillForm(page: Page, values: Record<string, string>): Promise<void> {
  const dialog = page.getByRole('dialog');
  const place = (await dialog.count()) > 0 ? dialog : page;
  for (const [label, value] of Object.entries(values)) await place.getByLabel(label, { exact: true }).fill(value);
}

/** The open conversation as an agent sees it. */
export function agentOn(page: Page) {
  const input = page.getByRole('region', { name: 'Write' }).getByRole('textbox');
  return {
    input,
    messages: page.getByRole('log', { name: 'Messages' }),
    async send(text: string): Promise<void> {
      await input.fill(text);
      await page.getByRole('button', { name: 'Send', exact: true }).click();
    },
  };
}
