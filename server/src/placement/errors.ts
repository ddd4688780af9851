/** A move that cannot be done, or was stopped, in words for the operator. The workspace is where it was. */
export class MoveError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MoveError';
  }
}
