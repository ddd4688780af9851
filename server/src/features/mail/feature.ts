import { defineFeature } from '../../feature.ts';
import { createMail } from './commands.ts';
import type { Mail } from './commands.ts';
import { mailQueue } from './queue.ts';
import { mailRoutes } from './routes.ts';
import { createSender } from './send.ts';
import { mailSweeps } from './sweeps.ts';

declare module '../../kit.ts' {
  interface Services {
    mail: Mail;
  }
}

export const mail = defineFeature({
  name: 'mail',
  tables: ['mails'],
  queues: [mailQueue],
  busy: ['mails'],
  uses: ['config', 'store', 'database', 'log', 'keyring', 'queueOf', 'outbound', 'mailServer', 'print', 'pace', 'mail'],
  provides: {
    mail: ({ mailServer, database, keyring, log, queueOf }) => {
      const printed = database.kind === 'embedded' ? 'printed' : 'none';
      return createMail({ delivery: mailServer ? 'sent' : printed, keyring, queue: queueOf(mailQueue), log });
    },
  },
  setUp({ config, mail: outbox, queueOf, mailServer, pace, ...kit }) {
    const queue = queueOf(mailQueue);
    const { publicUrl, roles } = config;
    if (roles.worker.facts)
      queue.process(
        createSender({
          ...{ ...kit, publicUrl, queue, server: mailServer, delivery: outbox.delivery },
          firstWaitMs: pace.mailRetryMs,
        }),
      );
    return {
      routes: (api) => mailRoutes(api, { ...kit, mail: outbox, mailServer, publicUrl }),
      sweeps: mailSweeps({ store: kit.store, mail: outbox }),
    };
  },
});
