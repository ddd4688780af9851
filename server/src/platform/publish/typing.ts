import type { ServerEventPayload } from '@parley/contract';
import { rooms } from '../sockets/realtime.ts';
import type { Live } from '../sockets/realtime.ts';

/** Somebody writes, or has stopped. Nothing is committed, so nothing is published: this goes straight to the sockets. */
export type EmitTyping = (typing: ServerEventPayload<'typing'>) => void;

/** The customer sees the bot and agents at work; agents see everybody. */
export const createEmitTyping =
  (live: Live): EmitTyping =>
  (typing) => {
    const { conversationId, who } = typing;
    const toVisitor = who === 'contact' ? [] : [rooms.visitor(conversationId)];
    live.emit([...toVisitor, rooms.conversation(conversationId)], 'typing', typing);
  };
