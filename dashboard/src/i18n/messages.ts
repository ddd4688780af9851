export type Messages = { [key: string]: string | Messages };

/** One tree of texts from the files of all features. Two of them may add to one branch, never say the same key twice. */
export function mergeMessages(files: Record<string, Messages>): Messages {
  const merge = (into: Messages, from: Messages, path: string): Messages => {
    const merged = { ...into };
    for (const [key, value] of Object.entries(from)) {
      const known = merged[key];
      if (known === undefined) merged[key] = value;
      else if (typeof known === 'string' || typeof value === 'string')
        throw new Error(`two files have the text ${path}${key}`);
      else merged[key] = merge(known, value, `${path}${key}.`);
    }
    return merged;
  };
  return Object.values(files).reduce((tree, file) => merge(tree, file, ''), {});
}
