import { statusOf } from '../../api/problem.ts';
import { i18n } from '../../i18n/index.ts';

/** Passwords are counted, and too many wrong ones have to be waited for. */
export const tooManyGuesses = (error: unknown): string | undefined =>
  statusOf(error) === 429 ? i18n.global.t('account.tooManyGuesses') : undefined;
