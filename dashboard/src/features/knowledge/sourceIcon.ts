import { FileText, Globe, MessageCircleQuestion, TextQuote } from '@lucide/vue';
import type { SourceType } from '@parley/contract';

export const sourceIcon = (type: SourceType) =>
  ({ document: FileText, website: Globe, faq: MessageCircleQuestion, snippet: TextQuote })[type];
