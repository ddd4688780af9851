/** Letters of labels beside which the question can still be read. */
const room = 16;

/** The first labels as far as there is room, at least one; the row cuts what is too long by itself. */
export function labelsThatFit(labels: readonly string[]): string[] {
  let letters = 0;
  return labels.filter((label, index) => {
    letters += label.length + 2;
    return index === 0 || letters <= room;
  });
}
