import assert from 'node:assert/strict';
import type { Attachment } from '@parley/contract';
import type { WalkExample } from '../../test/security/examples.ts';
import { asVisitor, fileForm } from '../../test/security/requests.ts';

declare module '../../test/security/examples.ts' {
  interface Kinds {
    file: string;
  }
}

export const example: WalkExample = {
  make: {
    // Of a visitor: the one kind of person who has nothing but the files of a chat.
    file: async ({ url, mark, id, visitor }) => {
      const { token } = await visitor();
      const form = fileForm(`${mark}.txt`, `file of ${mark}`);
      const { status, data } = await asVisitor<Attachment>(
        url,
        token,
        'POST',
        `/widget/${await id('inboxToken')}/files`,
        form,
      );
      assert.equal(status, 201);
      return data.id;
    },
  },
  segments: { files: 'file' },
  fields: { attachmentIds: 'file' },
};
