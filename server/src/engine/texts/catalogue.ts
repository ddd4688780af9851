import type { TextKey, TextLanguage } from '@parley/contract';
import ar from './languages/ar.json' with { type: 'json' };
import de from './languages/de.json' with { type: 'json' };
import en from './languages/en.json' with { type: 'json' };
import es from './languages/es.json' with { type: 'json' };
import fi from './languages/fi.json' with { type: 'json' };
import fr from './languages/fr.json' with { type: 'json' };
import it from './languages/it.json' with { type: 'json' };
import ja from './languages/ja.json' with { type: 'json' };
import nl from './languages/nl.json' with { type: 'json' };
import pl from './languages/pl.json' with { type: 'json' };
import pt from './languages/pt.json' with { type: 'json' };
import sv from './languages/sv.json' with { type: 'json' };
import vi from './languages/vi.json' with { type: 'json' };

/** Of the widget itself: its buttons, notices and names. */
export type WidgetWord = keyof typeof en.widget;
type Texts = Record<TextKey, string> & { widget: Record<WidgetWord, string> };

/** Whatever Parley says to a customer in its own name: a text for each key, in each language. */
const all: Record<TextLanguage, Texts> = { ar, de, en, es, fi, fr, it, ja, nl, pl, pt, sv, vi };

const ofEach = <T>(pick: (texts: Texts) => T): Record<TextLanguage, T> =>
  Object.fromEntries(Object.entries(all).map(([language, texts]) => [language, pick(texts)])) as Record<
    TextLanguage,
    T
  >;

/** What the path of a message and the desk say, which each bot may say in words of its own. */
export const catalogue = ofEach(({ widget: _widget, ...texts }): Record<TextKey, string> => texts);
export const widgetWords = ofEach(({ widget }) => widget);
