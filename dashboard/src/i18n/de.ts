import { mergeMessages, type Messages } from './messages.ts';

export default mergeMessages(
  import.meta.glob<Messages>('../{app,features/*}/locales/de.json', { eager: true, import: 'default' }),
);
