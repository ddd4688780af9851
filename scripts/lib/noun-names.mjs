/** What one of them is called; a plural without an s (media, people) stands for both. @param {string} noun */
export const oneOf = (noun) =>
  noun
    .replace(/ies$/, 'y')
    .replace(/(ss|x|ch|sh)es$/, '$1')
    .replace(/([^s])s$/, '$1');

const camel = (/** @type {string} */ text) => text.replace(/-(\w)/g, (_all, letter) => letter.toUpperCase());

/**
 * What everything of a noun is called in its files, for `saved-replies` as an example.
 * @param {string} noun @param {string} migration its number
 */
export function namesOf(noun, migration) {
  const one = oneOf(noun);
  const words = noun.replaceAll('-', ' ');
  return {
    noun,
    migration,
    folder: `server/src/features/${noun}`,
    /** as a key of an object: 'saved-replies' in quotes */
    key: /^[a-z]+$/.test(noun) ? noun : `'${noun}'`,
    /** SavedReply */
    Type: camel(`-${one}`),
    /** SavedReplies */
    Types: camel(`-${noun}`),
    /** savedReplies */
    nouns: camel(noun),
    /** savedReply */
    kind: camel(one),
    /** saved_replies */
    table: noun.replaceAll('-', '_'),
    /** saved_reply */
    fact: one.replaceAll('-', '_'),
    /** saved replies */
    words,
    /** saved reply */
    oneInWords: one.replaceAll('-', ' '),
    /** Saved replies */
    title: words[0]?.toUpperCase() + words.slice(1),
  };
}

/** @typedef {ReturnType<typeof namesOf>} Names */
