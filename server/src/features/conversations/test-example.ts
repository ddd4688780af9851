import assert from 'node:assert/strict';
import type { WalkExample } from '../../test/security/examples.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    conversation: string;
  }
}

export const example: WalkExample = {
  make: {
    /** Its customer asked for a person, and waits. */
    conversation: async ({ mark, id, visitor }) => {
      // Before the bot answers: it finds what was asked of it.
      await id('source');
      const { socket, conversationId } = await visitor();
      const sent = await socket.call('customer:send_message', {
        conversationId,
        text: `I want to talk to a human about ${mark}`,
        clientId: `${mark}-1`,
        attachmentIds: [await id('file')],
      });
      assert.ok(sent.success, JSON.stringify(sent));
      await socket.wait('status:changed', ({ status }) => status === 'waiting');
      return conversationId;
    },
  },
  segments: { conversations: 'conversation' },
  momentary: ['POST /conversations/{id}/undo'],
  // An undo is nobody's but of whoever made the move: any id will do.
  fields: { from: 'conversation', above: 'conversation', undoId: 'message' },
};
