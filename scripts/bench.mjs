/** `npm run bench -- NAME`: runs bench/NAME.ts. Without a name it says which there are. */
import { runNamed } from './lib/named.mjs';

await runNamed({ folder: 'bench', ending: '.ts', argument: 'a benchmark', nodeArguments: ['--expose-gc'] });
