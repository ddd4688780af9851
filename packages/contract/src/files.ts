import { success, IdParams, FileBytes } from './common.ts';
import { Attachment } from './conversations.ts';
import { api, get, post } from './declare.ts';

export const filesApi = api('Conversations', {
  upload: post('/files', 'conversations:write', {
    summary: 'Upload a file to attach to a message',
    upload: 'attachment',
    status: 201,
    response: success(Attachment),
  }),
  download: get('/files/:id', 'conversations:read', {
    summary: 'Download a file',
    params: IdParams,
    response: FileBytes,
  }),
});
