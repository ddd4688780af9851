import type { Message } from '@parley/contract';
import { rooms } from '../../platform/realtime.ts';
import type { Live } from '../../platform/realtime.ts';
import { presentToVisitor } from './present.ts';

/** Who listens on a socket: nobody but agents where customers write on a platform. */
export type Listeners = 'everybody' | 'agents';

/** Tells everybody who may see the message. Called after the commit, never inside of it. */
export function announceMessage(live: Live, message: Message, listeners: Listeners = 'everybody'): void {
  live.emit(rooms.conversation(message.conversationId), 'message:received', message);
  if (!message.private && listeners === 'everybody')
    live.emit(rooms.visitor(message.conversationId), 'message:received', presentToVisitor(message));
}

export function announceChange(live: Live, message: Message, listeners: Listeners = 'everybody'): void {
  live.emit(rooms.conversation(message.conversationId), 'message:updated', message);
  if (!message.private && listeners === 'everybody')
    live.emit(rooms.visitor(message.conversationId), 'message:updated', presentToVisitor(message));
}
