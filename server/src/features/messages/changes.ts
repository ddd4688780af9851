import type { ChannelName, Message } from '@parley/contract';
import { isLive } from '../../channels/registry.ts';
import { OUTBOX } from '../../platform/facts/relay.ts';
import { defineChange } from '../../platform/publish/change.ts';
import { rooms } from '../../platform/sockets/realtime.ts';
import { presentToVisitor } from './present.ts';
import { DELIVERY_DUE, FILES_DUE, writeDeliveryKey, writeFilesKey } from './topics.ts';

/**
 * `channel` of the inbox, undefined when that was removed: where customers write on a platform, nobody but agents listens
 * on a socket.
 */
type Of = { message: Message; channel: ChannelName | undefined };

const isForVisitor = ({ message, channel }: Of): boolean => !message.private && isLive(channel);

export const messageStored = defineChange<Of>('message stored', {
  publish({ detail }, { live }) {
    const { message } = detail;
    live.emit(rooms.conversation(message.conversationId), 'message:received', message);
    if (isForVisitor(detail))
      live.emit(rooms.visitor(message.conversationId), 'message:received', presentToVisitor(message));
  },
});

export const messageUpdated = defineChange<Of>('message updated', {
  publish({ detail }, { live }) {
    const { message } = detail;
    live.emit(rooms.conversation(message.conversationId), 'message:updated', message);
    if (isForVisitor(detail))
      live.emit(rooms.visitor(message.conversationId), 'message:updated', presentToVisitor(message));
  },
});

/** A paragraph of the bot as it is said; `last` with an empty text ends the turn's. */
export const paragraphSaid = defineChange<{
  conversationId: string;
  turnId: string;
  ordinal: number;
  text: string;
  last: boolean;
  channel: ChannelName;
}>('paragraph said', {
  publish({ detail: { channel, ...chunk } }, { live }) {
    const visitor = isLive(channel) ? [rooms.visitor(chunk.conversationId)] : [];
    live.emit([...visitor, rooms.conversation(chunk.conversationId)], 'message:chunk', chunk);
  },
});

/** A message waits for the platform. */
export const deliveryDue = defineChange<{ threadId: string }>('delivery due', {
  publish({ workspaceId, detail: { threadId } }, { wake }) {
    wake.wake(DELIVERY_DUE, writeDeliveryKey({ workspaceId, threadId }));
  },
});

/** Files of a message wait to be fetched from the platform. */
export const filesDue = defineChange<{ messageId: string }>('files due', {
  publish({ workspaceId, detail: { messageId } }, { wake }) {
    wake.wake(FILES_DUE, writeFilesKey({ workspaceId, messageId }));
  },
});

/** Facts of it that somebody waits for; others can wait for the sweeper's next look. */
export const factsUrgent = defineChange<void>('facts urgent', {
  publish(_of, { wake }) {
    wake.wake(OUTBOX, 'all');
  },
});
