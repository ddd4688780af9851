/** `npm run bench -- page`: docs/performance.md from the runs that are kept in bench/out, none of them made anew. */
import { writePage } from './lib/page.ts';

const { missed } = writePage();
process.stdout.write(`docs/performance.md is written; ${missed} bars are missed\n`);
