import { mergeMessages, type Messages } from './messages.ts';

export default mergeMessages(
  import.meta.glob<Messages>('../{app,features/*}/locales/en.json', { eager: true, import: 'default' }),
);
