/** Of everybody who joined by `join` (world.ts). */
export const PASSWORD = 'a long enough password';
