import { z } from 'zod';
import { useBuiltFiles } from '../../platform/http/index.ts';
import type { Http } from '../../platform/http/index.ts';
import type { FindInbox } from '../inboxes/directory.ts';
import { missingPage } from './missing-page.ts';

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const HTML = 'text/html; charset=utf-8';

/** The hosted chat page: the widget alone, for a link in a mail or a QR code. */
const chatPage = (title: string, token: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" type="image/svg+xml" href="/favicon.svg">
<style>html,body{margin:0;height:100%}</style>
</head>
<body>
<div id="parley-chat" data-inbox="${escapeHtml(token)}"></div>
<script src="/widget/chat.js" defer></script>
</body>
</html>
`;

const demoPage = (token: string, publicUrl: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley demo</title>
<link rel="icon" type="image/svg+xml" href="/favicon.svg">
<link rel="stylesheet" href="/widget/demo.css">
</head>
<body>
<header><span class="mark" aria-hidden="true"></span><strong>Parley</strong><nav><a href="/">Dashboard</a><a href="/docs">API</a><a href="/chat/${escapeHtml(token)}">Hosted chat</a></nav></header>
<main>
<h1>Ask it something</h1>
<p class="lead">The chat in the corner is Parley’s own widget on an ordinary page. Its bot answers from Parley’s documentation, shows its sources, and offers you a person when it cannot answer.</p>
<section>
<h2>Try this</h2>
<ul>
<li>“How do I connect Telegram?” <span>answered from the guides, with sources</span></li>
<li>“Where does Parley keep its data?” <span>answered, and the passage opens</span></li>
<li>“What will the weather be tomorrow?” <span>declined, with a way to a person</span></li>
<li>“I want to talk to a human” <span>straight to the queue</span></li>
</ul>
</section>
<section>
<h2>Then look from the other side</h2>
<p>Open the <a href="/">dashboard</a> in a second window: pick the conversation up from the queue, and answer yourself in the chat.</p>
</section>
<section>
<h2>On your own page</h2>
<pre><code>&lt;script src="${escapeHtml(publicUrl)}/widget.js" data-inbox="${escapeHtml(token)}" async&gt;&lt;/script&gt;</code></pre>
</section>
</main>
<script src="/widget.js" data-inbox="${escapeHtml(token)}" async></script>
</body>
</html>
`;

const frameAncestors = (origins: string[]): string =>
  ['frame-ancestors', "'self'", ...origins.filter((origin) => /^https?:\/\/[\w.:[\]-]+$/.test(origin))].join(' ');

/** The widget's files and the pages around it. `demoToken` is undefined without a demo workspace. */
export function visitorPages(
  http: Http,
  parts: {
    findInbox: FindInbox;
    widgetFolder: string;
    publicUrl: string;
    demoToken: () => Promise<string | undefined>;
  },
): void {
  void http.register(async (scope: Http) => {
    await useBuiltFiles(scope, parts.widgetFolder, 'public, max-age=300');
    const file = (url: string, name: string): void => {
      scope.get(url, { config: { embed: 'script' }, schema: { hide: true } }, (_request, reply) =>
        reply.sendFile(name),
      );
    };
    file('/widget.js', 'widget.js');
    file('/widget/panel.js', 'panel.js');
    file('/widget/chat.js', 'chat.js');
    file('/widget/demo.css', 'demo.css');
  });

  http.get(
    '/chat/:token',
    { config: { embed: 'page' }, schema: { hide: true, params: z.object({ token: z.string().max(100) }) } },
    async (request, reply) => {
      const inbox = await parts.findInbox(request.params.token, request.ip);
      if (!inbox || inbox.channel !== 'web' || inbox.status === 'disabled') {
        const advice =
          'The link may be old or cut short. Please go back to the page you came from and try its chat there.';
        return reply.status(404).type(HTML).send(missingPage('This chat is not here', advice));
      }
      const { allowedOrigins, title } = inbox.settings;
      // The page itself is ours and so may always open the chat: whoever may frame it has to be on the list instead.
      if (allowedOrigins.length > 0) {
        const policy = String(reply.getHeader('content-security-policy')).replace(/frame-ancestors [^;]*/, '');
        reply.header('content-security-policy', `${policy};${frameAncestors(allowedOrigins)}`);
      }
      return reply.type(HTML).send(chatPage(title, inbox.token));
    },
  );

  http.get('/demo', { schema: { hide: true } }, async (_request, reply) => {
    const token = await parts.demoToken();
    if (!token) {
      const advice = 'This installation was started without its demo workspace (PARLEY_DEMO=0).';
      return reply.status(404).type(HTML).send(missingPage('There is no demo here', advice));
    }
    return reply.type(HTML).send(demoPage(token, parts.publicUrl));
  });
}
